/* SPDX-License-Identifier: BSD-3-Clause */
/* Fields of samples from the arrays of an .npz: names, arrays, types, splits. */
#include "files.h"

static struct hsgd_context *ctx;
static const int64_t token[] = { 1, 2, 0, 4, 0, 0, 3, 3, 3 }, length[] = { 2, 1, 3 }, label[] = { 0, 2, 1 };
static const float box[] = { 0.5f, 1, 1.5f, 2, 2.5f, 3 };

static void archive(void)
{
    pictures_begin();
    ctx = pictures_context();
    struct archive *a = zip_begin("set.npz", true);
    tar_add(a, "token.npy", npy("<i8", "(3, 3)", bytes_of(token, sizeof token)), NULL);
    tar_add(a, "token_test.npy", npy("<i8", "(2, 3)", bytes_of(token, 48)), NULL);
    tar_add(a, "len_train.npy", npy("<i8", "(3,)", bytes_of(length, sizeof length)), NULL);
    tar_add(a, "len_test.npy", npy("<i8", "(2,)", bytes_of(length, 16)), NULL);
    tar_add(a, "kind.npy", npy("<i8", "(3,)", bytes_of(label, sizeof label)), NULL);
    tar_add(a, "kind_test.npy", npy("<i8", "(2,)", bytes_of(label, 16)), NULL);
    tar_add(a, "x.npy", npy("<f4", "(3, 2)", bytes_of(box, sizeof box)), NULL);
    tar_add(a, "y.npy", npy("<i8", "(3,)", bytes_of(label, sizeof label)), NULL);
    tar_add(a, "box.npy", npy("<f4", "(3, 1, 2)", bytes_of(box, sizeof box)), NULL);
    tar_add(a, "mask.npy", npy("|u1", "(3, 2)", many(7, 6)), NULL);
    tar_end(a);
}

static struct hsgd_type type(const struct hsgd_data *d, const char *name) { return hsgd_data_type(d, name); }

static void all_own(void)
{
    archive();
    struct set s = read_set(ctx, "set.npz", HSGD_OPTIONS(data, .fields = "x=token,length=len_train,label=kind"));
    struct hsgd_type x = type(s.train, "x"), n = type(s.train, "length"), y = type(s.train, "label");
    CHECK(x.dtype == HSGD_I32 && x.rank == 1 && x.dim[0] == 3 && n.dtype == HSGD_I32 && !n.rank);
    CHECK(y.dtype == HSGD_I32 && !y.rank && hsgd_data_classes(s.train) == 3 && hsgd_data_classes(s.test) == 3);
    REQUIRE(s.test && hsgd_data_count(s.train) == 3 && hsgd_data_count(s.test) == 2);
    for (int64_t i = 0; i < 3; i++) {
        int32_t row[3], one, class;
        CHECK(!hsgd_data_gather_field(s.train, 0, &i, 1, NULL, row));
        CHECK(!hsgd_data_gather_field(s.train, hsgd_data_find(s.train, "length"), &i, 1, NULL, &one));
        CHECK(!hsgd_data_gather(s.train, &i, 1, NULL, NULL, &class));
        CHECK(row[0] == token[3 * i] && row[1] == token[3 * i + 1] && row[2] == token[3 * i + 2]);
        CHECK(one == length[i] && class == label[i]);
    }
    struct hsgd_data_field f;
    CHECK(hsgd_data_field_get(s.train, 0, &f, sizeof f) && f.classes == 5);
    CHECK(!hsgd_data_set_buckets(ctx, s.train, 1, (int[]){ 2 }));
    struct hsgd_record *r = hsgd_record_create(ctx, s.train);
    CHECK_MSG(!hsgd_record_check(ctx, r, s.train), "%s", hsgd_error(ctx));
    hsgd_record_destroy(&r);
    close_set(&s);
}

/* Beside x and the labels that have usual names. */
static void beside(void)
{
    archive();
    struct set s = read_set(ctx, "set.npz", HSGD_OPTIONS(data, .fields = "box,mask,grey=mask:f32"));
    struct hsgd_type b = type(s.train, "box"), m = type(s.train, "mask"), g = type(s.train, "grey");
    CHECK(type(s.train, "x").dtype == HSGD_F32 && hsgd_data_classes(s.train) == 3 && !s.test);
    CHECK(b.dtype == HSGD_F32 && b.rank == 2 && b.dim[1] == 2 && m.dtype == HSGD_U8 && g.dtype == HSGD_F32);
    float corner[2], grey[2];
    CHECK(!hsgd_data_gather_field(s.train, hsgd_data_find(s.train, "box"), &(int64_t){ 2 }, 1, NULL, corner));
    CHECK(!hsgd_data_gather_field(s.train, hsgd_data_find(s.train, "grey"), &(int64_t){ 1 }, 1, NULL, grey));
    CHECK(corner[0] == 2.5f && corner[1] == 3 && grey[1] == 7);
    close_set(&s);
}

static void refuse(const char *fields, const char *sentence)
{
    expect_refused(ctx, "set.npz", HSGD_OPTIONS(data, .fields = fields), sentence);
}

static void refused(void)
{
    archive();
    refuse("box:f64", "set.npz: --fields \"box:f64\": its type is not one of f32, i32, u8");
    refuse("2box", "set.npz: --fields \"2box\": a name has 1 to 31 letters, digits and _");
    refuse("box,box=mask", "set.npz: --fields \"box=mask\": there are two of this name");
    refuse("box=", "set.npz: --fields \"box=\": an array is expected");
    refuse("corner", "set.npz: --fields \"corner\": there is no array \"corner\"");
    refuse("label=kind", "set.npz: --fields \"label\": the samples have such a field already");
    refuse("x=token,box", "set.npz: --fields \"box\": there is no array \"box_test\" for the test split");
    refuse("n=box:i32", "set.npz: box.npy: value 0 of sample 0 is 0.5, a 32-bit integer is expected");
    put_text("table.csv", "a,b\n1,2\n");
    expect_refused(ctx, "table.csv", HSGD_OPTIONS(data, .fields = "box"),
                   "data set \"table.csv\": --fields names arrays of an .npz, and this is csv");
}

static const struct core_case cases[] = { { "all_own", all_own }, { "beside", beside }, { "refused", refused } };
CORE_MAIN(cases)
