#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# ONNX: the reader, hsgd convert, hsgd onnx-test; bad files.
cases=$(cd "${srcdir:-.}" && pwd)/tests/onnx
. "${srcdir:-.}/tests/cli.sh"
if "$hsgd" onnx-test "$cases/net" --devices cpu 2>&1 | grep -q 'built without protobuf-c'; then
    refused 'this version of hsgd is built without protobuf-c, which ONNX files need' convert "$cases/net/model.onnx" x
    finish
    exit
fi
last() # LINE: the last line of out
{
    [ "$(tail -n 1 out)" = "$1" ]
    check "last line: $(tail -n 1 out)" $?
}

# ---------------------------------------------------------------- own cases
for device in cpu opencl; do
    ok onnx-test --devices $device --verbose "$cases/net"
    [ "$(cat out)" = "net: passed
1 passed, 0 failed, 0 not supported" ]
    check "net on $device: $(cat out)" $?
done
ok onnx-test --devices cpu "$cases"
has out '^[0-9]+ passed, 0 failed, '
cp -r "$cases/net" wrong
chmod -R u+w wrong
cp wrong/test_data_set_0/output_0.pb pb
head -c "$(($(wc -c <pb) - 4))" pb >wrong/test_data_set_0/output_0.pb
printf '\0\0\200\100' >>wrong/test_data_set_0/output_0.pb
run onnx-test --devices cpu wrong
check "another output fails: $(cat out)" "$((code != 1))"
has out '^wrong: failed: output "y" has .* at 14 in place of 4, and'
last '0 passed, 1 failed, 0 not supported'

# -------------------------------------------------------------------- convert
cp "$cases/net/model.onnx" net.onnx
ok convert net.onnx net.hsgd
says 'model net, '
has out '^loss +softmax_cross_entropy$'
ok summary net.hsgd
says 'conv1'
ok convert net.onnx plain.hsgd --loss none
says 'none: it can predict, but not be trained'
ok summary plain.hsgd
refused '"hsgd convert" needs two files, what is read and what is written' convert net.onnx
refused '"net.onnx" to "two.onnx": one of them, and not both, must end in .onnx' convert net.onnx two.onnx
refused '--loss "huge" is not one of softmax_cross_entropy, mse, mae, binary_cross_entropy, none' convert net.onnx x --loss huge

# Back, and again.
ok train --model lenet --data digits --steps 1 --out run --devices cpu --quiet
ok convert run lenet.onnx
ok convert lenet.onnx lenet.hsgd
says 'model lenet, '
says 'input x, 28 x 28 x 1'

# ------------------------------------------------------------------ bad files
bad() # SENTENCE FILE
{
    refused "$2: $1" convert "$2" x
    [ ! -e x ]
    check 'nothing is written' $?
}
refused 'none.onnx: cannot open: No such file or directory' convert none.onnx x
: >empty.onnx
bad 'it has no graph' empty.onnx
echo 'this is no model' >text.onnx
bad 'it is no ONNX model, or damaged' text.onnx
for n in 100 500 1000 1300; do
    head -c $n net.onnx >cut.onnx
    bad 'it is no ONNX model, or damaged' cut.onnx
done
LC_ALL=C sed 's/Relu/Rely/' net.onnx >op.onnx
bad 'node 2 (Rely): the operator is not supported' op.onnx
LC_ALL=C sed 's/kernel_shape/kernel_shops/' net.onnx >attribute.onnx
bad 'node "conv1" (Conv): the attribute "kernel_shops" is not supported' attribute.onnx
LC_ALL=C sed '0,/fc.bias/s//fc.bits/' net.onnx >name.onnx
bad 'node 9 (Gemm): input "fc.bits" is made by no node before it' name.onnx

# What else is refused, and how: bad.txt has the sentences.
while IFS='|' read -r name sentence; do
    cp "$cases/bad/$name.onnx" .
    bad "$sentence" "$name.onnx"
done <"$cases/bad.txt"

# ------------------------------------------------------------- ONNX's own cases
data=/usr/share/libonnx-testdata/data
if [ -d $data/node ]; then # on OpenCL, too: make check-onnx
    ok onnx-test --devices cpu $data/node
    [ "$(tail -n 1 out | sed 's/ passed.*//')" -ge 700 ]
    check "$(tail -n 1 out)" $?
    has out '^[0-9]+ passed, 0 failed, [0-9]+ not supported$'
else
    echo "no $data: ONNX's own cases are not run"
fi
finish
