/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Check tells its main process of every assertion that holds, and takes the messages of a case apart in a time that
 * grows with the square of their number: 22 of the 25 s that test_csv_text took under the address sanitizer. Tests are
 * linked with --wrap=_mark_point and send none; a case that crashes is then reported at its first line.
 */
void __wrap__mark_point(const char *file, int line);

void __wrap__mark_point(const char *file, int line)
{
    (void)file;
    (void)line;
}
