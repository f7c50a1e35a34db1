/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the sections that say what there is: framework, model, workflow, dataset. Every DLIO key has a row,
 * also those that change nothing here, so that only real typos are unknown.
 */
#include "workload/run_config_parts.h"

#define MODEL PART(model)
#define WORKFLOW PART(workflow)
#define DATASET PART(dataset)

#define DTYPE_NAME(name, number, bytes, text, descr) text,
const char *const dtype_names[] = {DLFW_DTYPE_LIST(DTYPE_NAME) NULL};
const char *const format_names[] = {
    "tfrecord",  "hdf5",    "csv", "npz", "npy", "hdf5_opt", "jpeg", "png", "indexed_binary", "mmap_indexed_binary",
    "synthetic", "parquet", "raw", NULL};

static const char *const tensor_types[] = {"fp16", "bf16", "fp32", "fp64", "int8", "uint8", NULL};
static const char *const generators[] = {"dgen", "numpy", NULL};

static const dlfw_option root[] = {
    DLFW_OPT_STR(MODEL, framework, .def = "tensorflow",
                 .help = "tensorflow or pytorch; picks the loader when reader.data_loader is absent"),
    UNBOUND(DLFW_TYPE_NODE, "hooks", .help = "hook plugins of the run: a list of {name: {options}}"),
};

static const dlfw_option model[] = {
    DLFW_OPT_STR(MODEL, name, .def = "default", .help = "name in reports and in the results folder"),
    DLFW_OPT_STR(MODEL, type, .help = "'transformer' selects the checkpoint sizes of a transformer"),
    DLFW_OPT_U64(MODEL, model_size_bytes, .def = "10240", .help = "bytes of the model blob in a checkpoint"),
    UNBOUND(DLFW_TYPE_STR, "model_size",
            .help = SCHEMA_DEAD "ignored by DLIO too; did you mean model_size_bytes? compat.model_size_alias: "
                                "true gives it that meaning"),
    UNBOUND(DLFW_TYPE_ENUM, "model_datatype", .def = "fp16", .choices = tensor_types,
            .help = "element type of layer tensors"),
    UNBOUND(DLFW_TYPE_ENUM, "optimizer_datatype", .def = "fp32", .choices = tensor_types,
            .help = "element type of optimizer tensors"),
    UNBOUND(DLFW_TYPE_I64, "num_layers", .def = "-1", .min = "-1", .max = "1000000",
            .help = "above 0: transformer sizes"),
    UNBOUND(DLFW_TYPE_LIST_STR, "layer_parameters", .help = "explicit element counts per layer"),
    UNBOUND(DLFW_TYPE_LIST_STR, "optimization_groups", .help = "explicit element counts per optimizer group"),
};

static const dlfw_option parallelism[] = {
    UNBOUND(DLFW_TYPE_I64, "tensor", .def = "1", .min = "1", .max = "1000000", .help = "tensor parallelism"),
    UNBOUND(DLFW_TYPE_I64, "pipeline", .def = "1", .min = "1", .max = "1000000", .help = "pipeline parallelism"),
    UNBOUND(DLFW_TYPE_I64, "data", .def = "-1", .max = "1000000",
            .help = "data parallelism, with checkpoint.mode subset only"),
    UNBOUND(DLFW_TYPE_I64, "zero_stage", .def = "0", .min = "0", .max = "3", .help = "ZeRO stage"),
};

static const dlfw_option transformer[] = {
    UNBOUND(DLFW_TYPE_U64, "vocab_size", .def = "32000", .help = "vocabulary"),
    UNBOUND(DLFW_TYPE_U64, "hidden_size", .def = "2048", .help = "hidden size"),
    UNBOUND(DLFW_TYPE_U64, "ffn_hidden_size", .def = "8192", .help = "hidden size of the feed-forward layers"),
    UNBOUND(DLFW_TYPE_U64, "num_attention_heads", .def = "32", .help = "attention heads"),
    UNBOUND(DLFW_TYPE_U64, "num_kv_heads", .def = "8", .help = "key and value heads"),
};

static const dlfw_option workflow[] = {
    DLFW_OPT_BOOL(WORKFLOW, generate_data, .def = "false", .help = "generate the data set first"),
    DLFW_OPT_BOOL(WORKFLOW, train, .def = "true", .help = "run the training loop"),
    DLFW_OPT_BOOL(WORKFLOW, evaluation, .def = "false", .help = "evaluate after epochs"),
    DLFW_OPT_BOOL(WORKFLOW, checkpoint, .def = "false", .help = "take checkpoints; with train false only those"),
    DLFW_OPT_BOOL(WORKFLOW, profiling, .def = "false", .help = "start the profiler that profiling.profiler names"),
    UNBOUND(DLFW_TYPE_STR, "query", .help = SCHEMA_DEAD "only DLIO's query program reads it; see 'dlfw config show'"),
    UNBOUND(DLFW_TYPE_STR, "debug", .def = "false", .help = SCHEMA_DEAD "ignored by DLIO too"),
};

static const dlfw_option dataset[] = {
    DLFW_OPT_STR(DATASET, format, .def = "tfrecord", .help = "the format plugin"),
    DLFW_OPT_URI(DATASET, data_folder, .def = "./data/", .help = "folder or URI, below storage.storage_root"),
    DLFW_OPT_U64(DATASET, num_files_train, .def = "8", .max = "1000000000000", .help = "files to train on"),
    DLFW_OPT_U64(DATASET, num_files_eval, .def = "0", .max = "1000000000000", .help = "files to evaluate on"),
    DLFW_OPT_U64(DATASET, num_samples_per_file, .def = "1", .min = "1", .max = "4294967295",
                 .help = "samples in each file"),
    DLFW_OPT_F64(DATASET, record_length_bytes, .def = "65536", .min = "1", .max = "1e15",
                 .help = "mean bytes of a sample; may be fractional"),
    DLFW_OPT_F64(DATASET, record_length_bytes_stdev, .def = "0", .min = "0", .max = "1e15",
                 .help = "standard deviation of record_length_bytes"),
    UNBOUND(DLFW_TYPE_F64, "record_length_bytes_resize", .def = "0",
            .help = SCHEMA_DEAD "samples are handed over as they were read"),
    UNBOUND(DLFW_TYPE_STR, "record_length",
            .help = SCHEMA_DEAD "ignored by DLIO too; did you mean record_length_bytes? compat.legacy_keys: true "
                                "gives it that meaning"),
    UNBOUND(DLFW_TYPE_STR, "record_length_stdev",
            .help = SCHEMA_DEAD "ignored by DLIO too; did you mean record_length_bytes_stdev? compat.legacy_keys: true "
                                "gives it that meaning"),
    UNBOUND(DLFW_TYPE_STR, "record_length_resize",
            .help =
                SCHEMA_DEAD "ignored by DLIO too; did you mean record_length_bytes_resize? compat.legacy_keys: true "
                            "gives it that meaning"),
    UNBOUND(DLFW_TYPE_LIST_STR, "record_dims", .help = "shape of a sample; instead of record_length_bytes"),
    UNBOUND(DLFW_TYPE_ENUM, "record_element_type", .def = "uint8", .choices = dtype_names,
            .help = "element type, numpy's name"),
    UNBOUND(DLFW_TYPE_STR, "record_element_bytes",
            .help = SCHEMA_DEAD "always computed from record_element_type, in DLIO too"),
    DLFW_OPT_U64(DATASET, num_subfolders_train, .def = "0", .max = "1000000000",
                 .help = "folders that the training files are spread over"),
    DLFW_OPT_U64(DATASET, num_subfolders_eval, .def = "0", .max = "1000000000",
                 .help = "folders that the evaluation files are spread over"),
    UNBOUND(DLFW_TYPE_SIZE, "generation_buffer_size", .def = "2147483648",
            .help = SCHEMA_DEAD "data is generated in place, piece by piece"),
    DLFW_OPT_STR(DATASET, compression, .def = "none", .help = "codec of the format: none, zip, gzip, ..."),
    DLFW_OPT_I64(DATASET, compression_level, .def = "4", .min = "0", .max = "22", .help = "level of the codec"),
    UNBOUND(DLFW_TYPE_BOOL, "enable_chunking", .def = "false",
            .help = SCHEMA_DEAD "ignored by DLIO too; hdf5.chunk_dims replaces it"),
    UNBOUND(DLFW_TYPE_SIZE, "chunk_size", .def = "0",
            .help = SCHEMA_DEAD "ignored by DLIO too; hdf5.chunk_dims replaces it"),
    DLFW_OPT_STR(DATASET, file_prefix, .def = "img", .help = "begin of every file name"),
    DLFW_OPT_BOOL(DATASET, keep_files, .def = "true",
                  .help = "false: the data folder is deleted at the end of a training run"),
    DLFW_OPT_BOOL(DATASET, skip_listing, .def = "false",
                  .help = "compute the file names instead of listing the folder"),
    DLFW_OPT_U64(DATASET, listing_validation_interval, .def = "1000",
                 .help = "with skip_listing: every n-th file is checked to exist; 0: none"),
    DLFW_OPT_U64(DATASET, num_files_generated, .def = "0", .max = "1000000000000",
                 .help = "training files of the whole data set, which the names count, when the run has only the first "
                         "ones; 0: num_files_train"),
    UNBOUND(DLFW_TYPE_ENUM, "data_gen_method", .def = "dgen", .choices = generators,
            .help = SCHEMA_DEAD "content is generated in one way; see content.seed"),
};

static const dlfw_option hdf5[] = {
    UNBOUND(DLFW_TYPE_U64, "num_dset_per_record", .def = "1", .min = "1", .help = "HDF5 data sets per sample"),
    UNBOUND(DLFW_TYPE_LIST_STR, "chunk_dims", .help = "chunk shape"),
    UNBOUND(DLFW_TYPE_LIST_STR, "max_shape", .help = "maximum shape of one sample"),
};

static const dlfw_option parquet[] = {
    UNBOUND(DLFW_TYPE_NODE, "columns", .help = "list of {name, dtype, size, read}"),
    UNBOUND(DLFW_TYPE_U64, "row_group_size", .def = "1024", .min = "1", .help = "rows per row group"),
    UNBOUND(DLFW_TYPE_U64, "generation_batch_size", .def = "0",
            .help = SCHEMA_DEAD "rows are generated page by page, in place"),
    UNBOUND(DLFW_TYPE_STR, "partition_by", .help = "column that names the partitions"),
    UNBOUND(DLFW_TYPE_BOOL, "use_s3dlio_gen", .def = "false",
            .help = SCHEMA_DEAD "content is generated in one way; see content.seed"),
    UNBOUND(DLFW_TYPE_STR, "read_mode", .help = "row_group (also default) or file"),
};

const struct section_rows rows_root = ROWS(root);
const struct section_rows rows_model = ROWS(model);
const struct section_rows rows_parallelism = ROWS(parallelism);
const struct section_rows rows_transformer = ROWS(transformer);
const struct section_rows rows_workflow = ROWS(workflow);
const struct section_rows rows_dataset = ROWS(dataset);
const struct section_rows rows_hdf5 = ROWS(hdf5);
const struct section_rows rows_parquet = ROWS(parquet);
