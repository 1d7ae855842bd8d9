/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of any bytes as text and back. */
#include "core.h"

static void check(const char *bytes, const char *text)
{
    char *encoded = hsgd_text_encode(bytes), *decoded = hsgd_text_decode(encoded);
    REQUIRE(encoded && decoded);
    if (text) CHECK_STR(encoded, text);
    CHECK_STR(decoded, bytes);
    free(encoded);
    free(decoded);
}

static void both_ways(void)
{
    check("", "");
    check("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n\t\"\\", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n\t\"\\");
    check("caf\xe9", "caf\xef\xbf\xbd"
                     "e9");
    check("\xe9"
          "41",
          "\xef\xbf\xbd"
          "e941");
    check("\xc3", "\xef\xbf\xbd"
                  "c3"); /* cut off */
    check("\xc0\xaf", "\xef\xbf\xbd"
                      "c0\xef\xbf\xbd"
                      "af"); /* too long for its character */
    check("\xed\xa0\x80", "\xef\xbf\xbd"
                          "ed\xef\xbf\xbd"
                          "a0\xef\xbf\xbd"
                          "80");     /* half of a pair */
    check("\xf4\x90\x80\x80", NULL); /* beyond U+10FFFF */
    check("\xef\xbf\xbd"
          "e9",
          "\xef\xbf\xbd"
          "ef\xef\xbf\xbd"
          "bf\xef\xbf\xbd"
          "bde9");                                                   /* looks like an escape */
    check("\x7f\xc2\x85\xe2\x80\xa8\xef\xbb\xbf\xef\xbf\xbf", NULL); /* which YAML does not keep */
}

/* Any two bytes, beside any other. */
static void all_bytes(void)
{
    for (int a = 1; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char bytes[] = { (char)a, (char)b, 0, 0 };
            if (b) bytes[2] = (char)(a * 7 + b * 13);
            check(bytes, NULL);
        }
}

static void others(void)
{
    char *text = hsgd_text_decode("\xef\xbf\xbd and \xef\xbf\xbd"
                                  "0, \xef\xbf\xbd"
                                  "00");
    CHECK_STR(text, "\xef\xbf\xbd and \xef\xbf\xbd"
                    "0, \xef\xbf\xbd"
                    "00");
    free(text);
    CHECK(!hsgd_text_encode(NULL) && !hsgd_text_decode(NULL));
}

static const struct core_case cases[] = {
    { "both_ways", both_ways },
    { "all_bytes", all_bytes },
    { "others", others },
};
CORE_MAIN(cases)
