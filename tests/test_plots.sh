#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Plots as files, hsgd plot, runs that existed in hsgd compare, repeated runs,
# and what the program says where it cannot draw.
. "${srcdir:-.}/tests/cli.sh"

python() # NAME SCRIPT
{
    command -v python3 >/dev/null || return
    interpreter -c "import csv, json, math, struct, sys, xml.dom.minidom, zlib
def table(name): return list(csv.DictReader(open(name)))
def near(text, value): return math.isclose(float(text), value, rel_tol=1e-6)
$2"
    check "$1" $?
}

drawn() # NAME: NAME.png decodes and has ink; NAME.svg is well-formed and has as many pixels
{
    python "$1.png and $1.svg" "
png, at, data = open('$1.png', 'rb').read(), 8, b''
assert png[:8] == b'\\x89PNG\\r\\n\\x1a\\n'
while at < len(png):
    size, kind = struct.unpack('>I4s', png[at:at + 8])
    body = png[at + 8:at + 8 + size]
    assert zlib.crc32(kind + body) == struct.unpack('>I', png[at + 8 + size:at + 12 + size])[0]
    if kind == b'IHDR': width, height, depth, colours = struct.unpack('>IIBB', body[:10])
    if kind == b'IDAT': data += body
    at += 12 + size
assert kind == b'IEND' and depth == 8 and colours == 2
assert len(zlib.decompress(data)) == height * (3 * width + 1)
assert len(set(zlib.decompress(data))) > 20
svg = xml.dom.minidom.parse('$1.svg').documentElement
assert svg.tagName == 'svg' and (svg.getAttribute('width'), svg.getAttribute('height')) == ('%gpx' % (width / 2), '%gpx' % (height / 2))
assert svg.getElementsByTagName('path') and not svg.getElementsByTagName('image')"
}

# a run as train would have left it: FOLDER SEED LR ACCURACY...
make_run()
{
    folder=$1
    mkdir -p "$folder"
    printf 'model: "mlp"\ndata: "digits"\nseed: %s\nlr: %s\n' "$2" "$3" >"$folder/config.yaml"
    shift 3
    epoch=0
    for accuracy; do
        epoch=$((epoch + 1))
        echo "{\"event\": \"epoch\", \"step\": $((epoch * 10)), \"epoch\": $epoch, \"epochs\": $epoch, \"loss\": 0.$epoch," \
            "\"accuracy\": 0.5, \"validation_loss\": null, \"validation_accuracy\": $accuracy, \"train_seconds\": $epoch}"
    done >"$folder/log.jsonl"
    echo '{"event": "test", "step": 30, "loss": 0.25, "accuracy": 0.75}' >>"$folder/log.jsonl"
    printf '{"event": "ep' >>"$folder/log.jsonl"
}
make_run a 0 0.1 0.5 0.6 0.7
make_run b 1 0.1 0.5 0.8 0.8
make_run c 2 0.1 0.5 null 0.9
make_run d 0 0.2 0.25
make_run empty 0 0.1
make_run 'odd <&" name' 0 0.3 null

# ------------------------------------------------------------------ hsgd plot
ok plot a
has out '^a/curves.png$'
has out '^a/curves.svg$'
drawn a/curves
has a/curves.svg 'mlp on digits'
has a/curves.svg '3 epochs, best validation accuracy 70.00 % after 3, test accuracy 75.00 %'
ok plot c --png one.png --svg one.svg
has out '^one.png$'
drawn one
ok plot d # one epoch
drawn d/curves
ok plot 'odd <&" name/'
drawn 'odd <&" name/curves'
refused 'the folder of a run is missing' plot
refused '"hsgd plot" does not take "b"' plot a b
refused '"none" is not the folder of a run: it has no log.jsonl' plot none
refused 'empty/log.jsonl: it has no epoch yet' plot empty
begins 'the plot "none/x.png": ' plot a --png none/x.png

# ------------------------------------------------------- runs that existed
# Figures with many digits keep to their columns.
seed=0
for name in a b; do
    mkdir "short-$name"
    cp $name/config.yaml "short-$name"
    sed "s/\"loss\": 0.3/\"loss\": 0.3123$seed/; s/seconds\": 3}/seconds\": 0.05$seed}/" $name/log.jsonl \
        >"short-$name/log.jsonl"
    seed=92
done
ok compare short-a short-b --out short
has out ' 75.00 ± 7.07 +75.00 ± 0.00 +0.3123 ± 0.0001 +0.055 ± 0.007$'
ok compare a b c d/ --out all
has out '^  1 a: lr 0.1, seed 0$'
has out '^    1 lr 0.1$'
has out '^ +3 +80.00 ± 10.00 +75.00 ± 0.00 +0.3000 ± 0.0000 +3.00 ± 0.00$'
has out '^summary.csv, epochs.csv, devices.csv, groups.csv, compare.png and compare.svg'
drawn all/compare
has all/compare.svg '1  lr 0.1 \(3 runs\)'
python 'means and standard deviations of given runs' '
one, two = table("all/groups.csv")
assert (one["group"], one["label"], one["runs"], two["runs"]) == ("1", "lr 0.1", "3", "1") and two["label"].startswith("d")
assert one["best_validation_accuracy_n"] == "3" and near(one["best_validation_accuracy_mean"], 0.8)
assert near(one["best_validation_accuracy_std"], 0.1) and near(two["best_validation_accuracy_mean"], 0.25)
assert two["best_validation_accuracy_std"] == "" and near(one["seconds_mean"], 3) and near(one["test_loss_mean"], 0.25)
assert one["validation_loss_n"] == "0" and one["validation_loss_mean"] == one["validation_loss_std"] == ""
runs = table("all/summary.csv")
assert [r["seed"] for r in runs] == ["0", "1", "2", "0"] and [r["lr"] for r in runs] == ["0.1", "0.1", "0.1", "0.2"]
assert [r["end"] for r in runs] == ["no report"] * 4 and [r["steps"] for r in runs] == ["30", "30", "30", "10"]
epochs = table("all/epochs.csv")
assert len(epochs) == 10 and epochs[7]["validation_accuracy"] == "" and near(epochs[5]["validation_accuracy"], 0.8)'
ok compare a d --json
json 'j["out"] is None and [r["folder"] for r in j["runs"]] == ["a", "d"] and [r["group"] for r in j["runs"]] == [1, 2]'
json 'j["groups"][0]["best_validation_accuracy"] == {"n": 1, "mean": 0.7, "std": None}'
refused '"a" is given twice' compare a b a/
refused '"none" is not the folder of a run: it has no log.jsonl' compare a none
refused '--repeat is for new runs, with options of train after "--"' compare a b --repeat 3
refused '--out "all": File exists' compare a b --out all
cp -r a bare
rm bare/config.yaml
cp -r bare bare2
ok compare bare bare2 a b --json
json '[r["group"] for r in j["runs"]] == [1, 2, 3, 3]'
ok compare bare a d
has out '^  1 .* no report +bare$'
has out '^  3 .* no report +d: lr 0.2$'
echo 'speed: 3' >d/config.yaml
refused 'd/config.yaml, line 1: "speed" is not an option that a run has' compare a d

# ------------------------------------------------------------- repeated runs
few='--model mlp-small --threads 1 --devices cpu --optimizer sgd --epochs 2 --steps 120'
ok compare --out again --repeat 2 -- $few --lr 0.1 --lr 0.2 --seed 5
has out '^  1 .*done +lr 0.1, seed 5$'
has out '^  4 .*done +lr 0.2, seed 6$'
has again/run-002/config.yaml '^seed: 6$'
drawn again/compare
drawn again/run-001/curves
python 'means of repeated runs' '
runs, groups = table("again/summary.csv"), table("again/groups.csv")
assert [g["label"] for g in groups] == ["lr 0.1", "lr 0.2"] and [g["runs"] for g in groups] == ["2", "2"]
for i, g in enumerate(groups):
    for name in "loss", "seconds", "best_validation_accuracy", "test_accuracy", "samples_per_second":
        x, y = (float(r[name]) for r in runs[2 * i:2 * i + 2])
        assert near(g[name + "_mean"], (x + y) / 2) and abs(float(g[name + "_std"]) - abs(x - y) / math.sqrt(2)) < 1e-6 * x
assert runs[0]["loss"] != runs[1]["loss"]
report = json.load(open("again/run-001/report.json"))
assert near(runs[0]["loss"], report["train_loss"]) and report["end"] == "done"'
cp out table
ok compare again/run-001 again/run-002 again/run-003 again/run-004
for row in '100.00|[0-9.]+ ± ' 'cpu +120'; do has out "$row"; done
refused '--repeat sets the seeds, but --seed has 2 values' compare --out x --repeat 2 -- $few --seed 1 --seed 2
refused '--repeat "0" is not an integer from 1 to 64' compare --out x --repeat 0 -- $few
long=a-folder-with-a-name-of-a-hundred-letters-and-more-as-one-has-them-who-puts-the-date-and-all-options-into-it
cp -r a $long
ok compare $long b c
cat out >>table
ok plot $long
cat out >>table
awk '{ gsub(/±/, "+"); if (length($0) > 80) print }' out table >wide
check "lines of at most 80 columns: $(cat wide)" "$([ ! -s wide ]; echo $?)"

# ------------------------------------------------------ what cannot be drawn
library=$build/.libs/libhsgd.so
if [ -e "$library" ]; then
    ldd "$library" | grep -E 'libcairo|libpango|libfontconfig'
    check 'the library needs Cairo' "$([ $? -eq 1 ]; echo $?)"
fi
cat >no-fonts.conf <<'CONF'
<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>/nonexistent</dir></fontconfig>
CONF
FONTCONFIG_FILE=$dir/no-fonts.conf
export FONTCONFIG_FILE
refused '--png "x.png": fontconfig finds no fonts to draw with; install some, such as DejaVu' eval --checkpoint again/run-001 --png x.png
refused 'the plot "x.svg": fontconfig finds no fonts to draw with; install some, such as DejaVu' plot a --svg x.svg
ok train $few --out plain --quiet
has err '^hsgd: warning: the plot "plain/curves.png": fontconfig finds no fonts to draw with'
ok compare a b --out fontless
has err '^hsgd: warning: the plot in "fontless": fontconfig finds no fonts'
has out '^summary.csv, epochs.csv, devices.csv, groups.csv are in fontless$'
unset FONTCONFIG_FILE
[ -x "${hsgd}-without-plots" ] && hsgd=$hsgd-without-plots # else hsgd is such a program itself
if [ "${hsgd%-without-plots}" != "$hsgd" ]; then
    ldd "$hsgd" >needed
    grep -q libhsgd needed && ! grep -E 'libcairo|libpango|libfontconfig' needed
    check "$hsgd needs no Cairo: $(cat needed)" $?
    refused '--svg "x.svg": this hsgd was built without Cairo and cannot draw plots' plan --model mlp --svg x.svg
    refused '--png "x.png": this hsgd was built without Cairo and cannot draw plots' eval --checkpoint again/run-001 --png x.png
    refused '--png "x.png": this hsgd was built without Cairo and cannot draw plots' data show --png x.png
    refused 'the plot "a/curves.png": this hsgd was built without Cairo and cannot draw plots' plot a
    ok data show --out pixels.png --rows 1 --columns 1
    ok compare a b --out plotless
    has err '^hsgd: warning: the plot in "plotless": this hsgd was built without Cairo'
    ok train $few --out cairoless --quiet
    has err '^hsgd: warning: the plot "cairoless/curves.png": this hsgd was built without Cairo'
fi
[ ! -e x.png ] && [ ! -e x.svg ] && [ ! -e plain/curves.png ] && [ ! -e fontless/compare.png ]
check 'nothing written' $?
finish
