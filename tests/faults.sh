#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Injected faults: each line of the list breaks one thing in a copy of
# codelets/, which must make its test fail.  Run in the build folder.
set -u
case ${1-} in
--one) ;;
*)  srcdir=$(cd "${srcdir:-..}" && pwd)
    work=$(mktemp -d "${TMPDIR:-/tmp}/hsgd-faults-XXXXXX") || exit 1
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    export srcdir work
    # name | file | sed script | test | devices
    cat > "$work/list" <<'LIST'
none|merge.cl|||cpu
none|merge.cl||merge|groups
auc: pairs of one bin are in order|auc.c|s/below + 0.5 \* negative/below + negative/|auc|cpu
assign_boxes: the largest box|boxes.cl|s/area < smallest/area > smallest/|assign_boxes|cpu
assign_boxes: sizes in the image, not in cells|boxes.cl|s/vector_log(b\[3\] \* (float)columns)/vector_log(b[3])/|assign_boxes|opencl
detections: what overlaps stays|boxes.cl|s/b) > ARG(overlap);/b) > 2.0f;/|detections|cpu
detections: boxes beyond the image|boxes.cl|s/fminf(fmaxf(x - w, 0.0f), 1.0f)/x - w/|detections|opencl
mean average precision: a box is found twice|mean_average_precision.cl|s/if (best >= 0) of\[best\] = -1;//|mean_average_precision|opencl
mean average precision: only the precision at each point|mean_average_precision.c|s/best = fmax(best, found/best = fmax(0, found/|mean_average_precision|cpu
ctc: blanks are not skipped|ctc.cl|s/label\[s \/ 2\] != label\[s \/ 2 - 1\]/0/|ctc|cpu
ctc: the gradient counts labels only|ctc.cl|s/for (int s = 0; s < states; s++) d\[/for (int s = 1; s < states; s += 2) d[/|ctc|opencl
f1: misses of other classes|f1.cl|s/missed += guess != c \&\& truth == c/missed += guess != c/|f1|cpu
f1: precision of misses|f1.c|s/n\[RIGHT\] + n\[WRONG\]); }/n[RIGHT] + n[MISSED]); }/|precision|cpu
f1: recall of wrong guesses|f1.c|s/n\[RIGHT\] + n\[MISSED\]); }/n[RIGHT] + n[WRONG]); }/|recall|cpu
focal: gradient without the slope of its factor|focal.cl|s/(gamma \* p \* l + q)/q/|focal|opencl
focal: background has a channel|focal.cl|s/const int t = positive ? label : -1;/const int t = label;/|focal|cpu
huber: linear part without its offset|huber.cl|s/m \* (a - 0.5f \* m)/m * a/|huber|cpu
huber: masked rows have a gradient|huber.cl|s/dr\[c\] = 0.0f;/dr[c] += 0.0f;/|smooth_l1|opencl
kl divergence: zero is not zero|kl_divergence.cl|s/PICK(t == 0.0f, 0.0f, /PICK(t < 0.0f, 0.0f, /|kl_divergence|cpu
softmax: positions weigh the same|softmax_cross_entropy.cl|s/count \* w\[labels\[r\]\]/count/|softmax_cross_entropy|cpu
accuracy: ignored labels count|accuracy.cl|s/ignored ? 0.0f : inside/inside/|accuracy|cpu
top_k: equal scores do not go before|accuracy.cl|s/\&\& c < t)/\&\& c < 0)/|top_k|opencl
broadcast: the gradient of one place|strided.c|s/.terms = product(&terms)/.terms = 1/|broadcast|cpu
binary cross-entropy: sigmoid of the absolute value|binary_cross_entropy.cl|s/(v < 0.0f ? e : 1.0f)/1.0f/|binary_cross_entropy|cpu
binary cross-entropy: weight of all targets|binary_cross_entropy.cl|s/(1.0f - q) \* p - wq/w[c % weights] * (1.0f - q) * p - wq/|binary_cross_entropy|opencl
binary cross-entropy: one weight for all channels|binary_cross_entropy.cl|s/w\[c % weights\] \* q/w[0] * q/|binary_cross_entropy|cpu
mae: slope at equal values|mae.cl|s/d == 0.0f ? 0.0f : d < 0.0f/d <= 0.0f/|mae|cpu
mse of values: sum, not mean|mse.cl|s/dr\[c\] = 2.0f \* ARG(scale)/dr[c] = 2.0f/|mse|opencl
perplexity: not of the mean|softmax_cross_entropy.c|s/exp(sums\[0\] \/ sums\[2\])/exp(sums[0])/|perplexity|cpu
rmse: mean square|rmse.c|s/sqrt(sums\[0\] \/ sums\[1\])/sums[0] \/ sums[1]/|rmse|cpu
mean absolute error: number of samples|rmse.c|s/(float)e->rows \* (float)a.cols/(float)e->rows/|mean_absolute_error|cpu
r2: center left out|rmse.cl|s/t\[i\] - ARG(center)/t[i]/|r2|opencl
softmax: ignored rows have a gradient|softmax_cross_entropy.cl|s/dr\[c\] = count;/dr[c] += count;/|softmax_cross_entropy|cpu
add: second input twice|pointwise.cl|s/a\[i\] + b\[i\]/b[i] + b[i]/|add|cpu
concat: first input everywhere|concat.c|s/hsgd_at(whole, (int64_t)first \* k.factor)/whole/|concat|cpu
embedding: the last row has no gradient|embedding.cl|s/v >= high) continue/v >= high - 1) continue/|embedding|opencl
embedding: pieces begin at 0|embedding.c|s/p->row, p->rows/0, p->rows/|embedding|cpu
embedding: tokens outside read row 0|embedding.cl|s/else if (ARG(fill))/else if (!ARG(fill))/|embedding|cpu
gather: indices from the end|gather.c|s/indices->value\[i\] + dim :/indices->value[i] + dim - 1 :/|gather|cpu
gather: only the last of equal indices has a gradient|strided.cl|s/ARG(add) ? \*y + sum : sum/sum/|gather|opencl
parameter: the first sample only|parameter.c|s/{ e->rows, sample_size(\&e->node->out/{ 1, sample_size(\&e->node->out/|parameter|cpu
leaky_relu: slope of y, not of x|functions.cl|s/PICK(v > 0.0f, d, a \* d)/d/|leaky_relu|cpu
elu: exponential alone|functions.cl|s/return 2.0f \* t/return 1.0f + 2.0f * t/|elu|cpu
selu: scale left out of the gradient|functions.cl|s/d \* SELU_SCALE \*/d */|selu|opencl
silu: slope of the sigmoid|functions.cl|s/return s \* (1.0f + v/return s * (v/|silu|cpu
softplus: threshold of x|functions.cl|s/PICK(z > threshold, v/PICK(v > threshold, v/|softplus|cpu
hard_sigmoid: slope everywhere|functions.cl|s/(a \* v + b > 0.0f) \&/1 \&/|hard_sigmoid|cpu
hard_swish: slope of the sigmoid alone|functions.cl|s/v \/ 3.0f + 0.5f/v \/ 6.0f + 0.5f/|hard_swish|opencl
clip: NaN apart, no upper end|functions.cl|s/return PICK(v > high, high, v);/return v;/|clip|cpu
pointwise: other operand's gradient|pointwise.cl|s/second ? dq : dp/second ? dp : dq/|pointwise|cpu
pointwise: value in the wrong place|pointwise.c|s/value_first ? POINTWISE_CONSTANT_FIRST/value_first ? POINTWISE_CONSTANT_SECOND/|pointwise|opencl
softmax: gradient without its mean|softmax.cl|s/(dyr\[c\] - sum)/dyr[c]/|softmax|cpu
log_softmax: maximum left out|softmax.cl|s/away = top + vector_log(sum)/away = vector_log(sum)/|log_softmax|opencl
softmax: the maximum of columns left out|softmax.cl|s/p\[c\] > tops\[c\] ? p\[c\] : tops\[c\]/tops[c]/|softmax|cpu
reduce: integers start with the first|reduce.cl|s/int v = \*from, s = start;/int v = *from, s = v;/|reduce|cpu
arg_max: integers as floats|reduce.cl|s/const int v = p\[(size_t)c \* inner\] ^ flip;/const int v = (int)(float)p[(size_t)c * inner] ^ flip;/|arg_max|opencl
cumsum: the gradient runs the same way|cumsum.c|s/a.reverse = !a.reverse;//|cumsum|cpu
top_values: equals are taken twice|top_values.cl|s/i > at/i >= at/|top_values|cpu
reduce: last run of an axis|reduce.cl|s/for (int c = whole; c < inner; c++)/for (int c = whole + 1; c < inner; c++)/|reduce|cpu
reduce: ties do not share|reduce.cl|s/c = d \/ k; /c = d; /|reduce|opencl
arg_max: first of equals|reduce.cl|s/(last \&\& (v == best/(!last \&\& (v == best/|arg_max|cpu
matmul: gradient of the second, not transposed|batched_matmul.c|s/{ p.k, p.n, p.m, !ta, false }/{ p.k, p.n, p.m, ta, false }/|matmul|cpu
gelu: density without its factor|gelu.cl|s/v \* 0.39894228f \* //|gelu|cpu
gelu: other branch of tanh|gelu.cl|s/(v < 0.0f ? e : 1.0f) +/1.0f +/|gelu|opencl
mul: gradient with its own input|pointwise.c|s/e->x\[1 - i\]/e->x[i]/|mul|cpu
mul: gradient not added|pointwise.cl|s/y\[i\] += a/y[i] = a/|mul|opencl
relu alone: mask inverted|activate.h|s/y > 0.0f ? 1.0f : 0.0f/y > 0.0f ? 0.0f : 1.0f/|relu|cpu
reshape: nothing is copied|reshape.c|s/.is_view = true,//|reshape|cpu
sigmoid: slope of tanh|activate.h|s/return y \* (1.0f - y);/return 1.0f - y * y;/|sigmoid|cpu
pad: the edge is reflected, too|pad.c|s/first + low, -1 }/first + low - 1, -1 }/|pad|cpu
slice: steps of 1|slice.c|s/r\[i\].step \* from\[i\]/from[i]/|slice|cpu
split: no zeros where nobody reads|concat.cl|s/t\[c\] = 0;/t[c] += 0;/|split|cpu
tile: places of upsample|broadcast.c|s/if (!each) strided_add(&s, n, 0, in->dim\[i\] \* to\[i\]);/if (!each) strided_add(\&s, n, 0, to[i]);/|tile|cpu
transpose: tiles begin at the first column|strided.cl|s/int c = first + lane; c < end; c += lanes)$/int c = lane; c < end - first; c += lanes)/|transpose|cpu
upsample: the whole axis at once|broadcast.c|s/each ? n \* to\[i\] : to\[i\]/to[i]/|upsample|opencl
tanh: slope of sigmoid|activate.h|s/return 1.0f - y \* y;/return y * (1.0f - y);/|tanh|opencl
pool: wrong cell|pool.cl|s/V16_LOAD(p + row + column + i)/V16_LOAD(p + row + i)/|max_pool|cpu
pool: ties go to another cell|pool.cl|s/(cell \/ 2) \* row + (cell % 2) \* column/(cell % 2) * row + (cell \/ 2) * column/|max_pool|cpu
pool: padding counts in the mean|pool.cl|s/!a.counts ? s.count/a.counts ? s.count/|avg_pool|opencl
pool: dilation left out|pool.cl|s/next_row = a.dilation_h \* row/next_row = row/|max_pool|cpu
adaptive pool: windows do not overlap|pool.cl|s/pool_ceil(q + 1, a.in, a.out) - s.begin/pool_floor(q + 1, a.in, a.out) - s.begin/|adaptive_avg_pool|cpu
adaptive pool: maximum of another window|pool.cl|s/s.begin = pool_floor(q, a.in, a.out)/s.begin = pool_floor(q, a.in - 1, a.out)/|adaptive_max_pool|cpu
conv1d: padding of rows|conv.c|s/.left = w->begin\[1\]/.left = w->end[1]/|conv1d|cpu
conv_transpose2d: weights of another group|conv2d.cl|s/(size_t)g \* o \* s.w_depth/0/|conv_transpose2d|cpu
conv_transpose2d: gradient of the bias without the last lane|conv_transpose2d.cl|s/l < 16/l < 15/|conv_transpose2d|opencl
merge: missing barrier|merge.cl|0,/BARRIER();/s///|merge|groups
ema: shares exchanged|optimizer.cl|s/share \* (w\[i\] - a/(1.0f - share) * (w[i] - a/|ema|cpu
clip: norm of the sum, not of the mean|merge.cl|s/float norm = step\[STEP_SCALE\] \* sqrtf/float norm = sqrtf/|clip_factor|opencl
gemm: B transposed the other way|gemm.cl|s/gemm_pack_b(work_b, b, ldb, ARG(tb)/gemm_pack_b(work_b, b, ldb, !ARG(tb)/|gemm|cpu
gemm: C not added|gemm.cl|s/if (add) x += y\[q\];//|gemm|cpu
dense: weight not transposed for dx|dense.c|s/.transpose_b = true };/};/|dense|cpu
dense: forgotten bias|dense.c|s/last && !a->no_bias ? hsgd_param_at(e, 1) : absent/absent/|dense|cpu
dense: bias gradient without a row|dense.cl|s/for (int r = 1; r < ARG(rows); r++)/for (int r = 2; r < ARG(rows); r++)/|dense|cpu
relu: mask inverted|activation.cl|s/y\[i\] > 0.0f ? d : 0.0f/y[i] > 0.0f ? 0.0f : d/|dense|opencl
relu: NaN becomes 0|activate.h|s/return z < 0.0f ? 0.0f : z;/return z > 0.0f ? z : 0.0f;/|activate|cpu
conv2d: padding off by one|conv2d_taps.h|s/t.at = q \* a.stride - a.pad;/t.at = q * a.stride - a.pad + 1;/|conv2d|cpu
conv2d: the group of inputs is the first|conv2d.cl|s/in + g \* c \* 16/in/|conv2d|cpu
conv2d: kernel rows not dilated|conv2d_dw.cl|s/span.ky \* a.dilation_h/span.ky/|conv2d|opencl
conv2d: depthwise weights not flipped|conv2d_depth.cl|s/r.w_tap = FORWARD ? 1 : -1/r.w_tap = 1/|conv2d|cpu
conv2d: depthwise edge beyond the row|conv2d_depth.cl|s/r.axis.size - at, r.width - q }/r.axis.size - at + 1, r.width - q }/|conv2d|cpu
conv2d: forgotten bias|conv2d.cl|s/bias ? V16_SPLAT(bias\[i\]) : //|conv2d|cpu
conv2d: slope applied twice|conv2d.c|s/a.activation && !e->node->slope_applied/a.activation/|conv2d|cpu
dropout: backward with another mask|dropout.c|s/mask(e, e->dy\[0\]/e->number++, &/|dropout|cpu
dropout: not scaled|dropout.cl|s/x\[c\] \* scale;/x[c];/|dropout|opencl
dropout: rows of a slice counted from 0|dropout.cl|s/(u32)(ARG(first_row) + (row << shift))/(u32)(row << shift)/|dropout|cpu
flatten: nothing is copied|flatten.c|s/.is_view = true, //|flatten|cpu
softmax: gradient against the guess|softmax_cross_entropy.cl|s/(c == t ? ARG/(c == best ? ARG/|softmax_cross_entropy|cpu
softmax: smoothing of all classes but the label|softmax_cross_entropy.cl|s/ : 0.0f) + ARG(even)/ : ARG(even))/|softmax_cross_entropy|opencl
softmax: loss without smoothing|softmax_cross_entropy.cl|s/ - ARG(even) \* total//|softmax_cross_entropy|cpu
mse: sum, not mean|mse.cl|s/2.0f \* d \/ (float)cols/2.0f * d/|mse|cpu
adam: second moment not corrected|optimizer.cl|s/= step\[STEP_CORRECT2\]/= 1.0f/;s/, step\[STEP_CORRECT2\],/, 1.0f,/|optimizer|cpu
lamb: no trust ratio|optimizer.cl|s/RATE \* (of_w \/ of_u)/RATE/|optimizer|cpu
nesterov: no look ahead|optimizer.cl|s/nesterov ? g + mu \* vi : vi/vi/|optimizer|cpu
batch_norm: lanes beyond the last sample count|batch_norm.cl|s/return a.live < 16 \&\& s/return a.live < 0 \&\& s/|batch_norm|cpu
batch_norm: slices weigh the same|batch_norm.cl|s/all\[c\] + d \* (here \/ n)/all[c] + d * 0.5f/|batch_norm|cpu
batch_norm: running variance of the batch, not of the population|batch_norm.cl|s/ARG(count) - 1.0f, 1.0f/ARG(count), 1.0f/|batch_norm|opencl
global_avg_pool: gradient of the sum|global_avg_pool.cl|s/to\[i\] = from\[i\] \* share/to[i] = from[i]/|global_avg_pool|cpu
layer_norm: not from the first value|layer_norm.cl|s/0.0f : xr\[0\]/0.0f : 0.0f/|layer_norm|cpu
layer_norm: gradient without its mean|layer_norm.cl|s/off = V16_SPLAT(-sum)/off = V16_SPLAT(0.0f)/|layer_norm|opencl
rms_norm: gradient with a mean|layer_norm.cl|s/sum = ARG(rms) ? 0.0f : /sum = /|rms_norm|cpu
group_norm: means of channels count as equal|group_norm.cl|s/ + between) / + 0.0f * between) /|group_norm|cpu
group_norm: the last vector of a row is left out|group_norm.c|s/blocks = ((a.c + 15)/blocks = ((a.c + 0)/|group_norm|cpu
instance_norm: squares without the first position|group_norm.cl|s/for (int p = 0; p < positions; p++) squares/for (int p = 1; p < positions; p++) squares/|instance_norm|opencl
attention: sums not rescaled|attention.cl|s/key \&\& i < d/key < 0 \&\& i < d/|attention|cpu
attention: gradient without delta|attention.cl|s/e \* (ds\[l\] - delta\[l\])/e * ds[l]/|attention|opencl
attention: one key too many|attention.cl|s/key + j > query + l/key + j > query + l + 1/|attention|cpu
attention: one query sees a key too few|attention_one.cl|s/attention_seen(a, seen, 1)/attention_seen(a, seen, 1) - 1/|attention|cpu
attention: the last of four sums left out|attention_one.cl|s/V16_ADD(sum\[2\], sum\[3\])/sum[2]/|attention|opencl
attention: rotated back the wrong way|attention.c|s/r.sign = -1/r.sign = 1/|attention|cpu
positions: rows beyond the samples are not zero|position_table.cl|s/to\[c\] = 0.0f/to[c] = 1.0f/|positions|opencl
dropout: parts of a step at those of a sample|dropout.c|s/hsgd_stored_rows(e) \* width/width/|lstm|cpu
gru: reset left out|recurrent.cl|s/ + reset \* inner)/ + inner)/|gru|opencl
gru: bias of the last gate by the other gradient|recurrent_work.c|s/hsgd_at(gates, rows), apart/hsgd_at(gates, same), apart/|gru|cpu
last: the first position|positions.cl|s/(n ? n - 1 : 0)/0/|last|cpu
lstm: gradient of c without the forget gate|recurrent.cl|s/cr\[j\] = of_c \* forget/cr[j] = of_c/|lstm|cpu
lstm: second direction begins at the end of the padding|recurrent.cl|s/return !has_lengths .*/return 1;/|lstm|cpu
max_positions: gradient to all of equals|positions.cl|s/left -= here;//|max_positions|cpu
mean_positions: padding counts|positions.cl|s/1.0f \/ (float)(n ? n : 1)/1.0f \/ (float)steps/|mean_positions|opencl
rnn: input in the order of samples|recurrent_work.c|s/if (is_one_order(j)) return;/return;/|rnn|cpu
rnn: one step more than the length|recurrent.cl|s/t < lengths\[r\]/t <= lengths[r]/|rnn|cpu
lanes: last element left out|lanes.cl|s/for (; e < end; e++)/for (; e < end - 1; e++)/|lanes|cpu
LIST
    # FAULTS=WORD: only those lines that have it.
    grep -e "${FAULTS-}" "$work/list" >"$work/chosen" && mv "$work/chosen" "$work/list" || exit 2
    awk '{ print NR }' "$work/list" | xargs -n 1 -P 2 sh "$0" --one
    cat "$work"/*.result
    passed=$(grep -h '^ok' "$work"/*.result | wc -l)
    lines=$(wc -l < "$work/list")
    echo "$((passed)) passed, $((lines - passed)) failed"
    test "$((passed))" -eq "$((lines))"
    exit ;;
esac

number=$2
line=$(sed -n "${number}p" "$work/list")
field() { printf '%s\n' "$line" | awk -F '|' -v n="$1" '{ print $n }'; }
name=$(field 1) file=$(field 2) script=$(field 3) test=$(field 4) devices=$(field 5)
here=$work/$number
say() { printf '%s %s (%s, %s)\n' "$1" "$name" "${test:-all}" "$devices" > "$work/$(printf %03d "$number").result"; }

mkdir "$here" "$here/codelets" "$here/pocl"
cp "$srcdir"/codelets/*.c "$srcdir"/codelets/*.cl "$srcdir"/codelets/*.h "$srcdir"/codelets/*.sh "$here/codelets"
sed "$script" "$srcdir/codelets/$file" > "$here/codelets/$file"
if test "$name" != none && cmp -s "$srcdir/codelets/$file" "$here/codelets/$file"; then
    say "NOT INJECTED:"
    exit 0
fi
if ! ${MAKE:-make} -s test-ops-variant VARIANT="$here" CHANGED="$file" > "$here/log" 2>&1; then
    cat "$here/log" >&2
    say "NOT BUILT:"
    exit 0
fi
option="" groups=0
test "$devices" != cpu || option=--devices=cpu
test "$devices" != groups || groups=1
if HSGD_ISA=base HSGD_OPENCL_GROUPS=$groups POCL_CACHE_DIR=$here/pocl \
    "$here/test_ops" $option $test > "$here/log" 2>&1; then caught=no; else caught=yes; fi
if grep -q 'OpenCL compiler failed' "$here/log"; then say "NOT COMPILED:"
elif test "$name" = none && test $caught = no; then say "ok, passes without a fault:"
elif test "$name" = none; then cat "$here/log" >&2; say "FAILS WITHOUT A FAULT:"
elif test $caught = yes && grep -q 'wrong on' "$here/log"; then say "ok, caught:"
elif test $caught = yes; then say "CRASHES:"
else say "NOT CAUGHT:"
fi
rm -rf "$here"
