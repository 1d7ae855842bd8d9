#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Runs as a user meets them: folders, config.yaml, resume, signals, logs, and
# what is refused; nothing is written then.
srcdir_abs=$(cd "${srcdir:-.}" && pwd)
. "${srcdir:-.}/tests/cli.sh"
opts='--model linear --devices cpu --threads 1 --deterministic'

# ------------------------------------------------------------ wrong options
refused '--resume needs --out, the folder of the run' train $opts --resume
refused '--resume "yes" is neither true nor false' train $opts --out a --resume=yes
refused '--out is empty' train $opts --out ''
refused '--config is empty' train --config ''
refused '--initial-checkpoint is empty' train $opts --initial-checkpoint ''
refused '--validation is empty' train $opts --validation ''
refused '--patience "-1" is not an integer from 0 to 1000000' train $opts --patience -1
refused '--patience "2.5" is not an integer from 0 to 1000000' train $opts --patience 2.5
refused '--checkpoint-hist "0" is not an integer from 1 to 1000000' train $opts --checkpoint-hist 0
refused '--checkpoint-every "-5" is not an integer from 0 to 1000000000000' train $opts --checkpoint-every -5
refused '--checkpoint-every "1e3" is not an integer from 0 to 1000000000000' train $opts --checkpoint-every 1e3
refused '--clip-grad "-1" is not a number from 0 to 1000000000000' train $opts --clip-grad -1
refused '--clip-grad 1e-20 is too small' train $opts --clip-grad 1e-20
refused '--weight-decay "101" is not a number from 0 to 100' train $opts --weight-decay 101
refused '--warmup-epochs "nan" is not a number from 0 to 1000000' train $opts --warmup-epochs nan
refused '--warmup-epochs 1 is incompatible with --warmup-steps 5' train $opts --warmup-epochs 1 --warmup-steps 5
refused '--min-lr "-1" is not a number from 0 to 1000' train $opts --min-lr -1
refused '--min-lr 0.1 is greater than --lr 0.01' train $opts --lr 0.01 --min-lr 0.1
refused '--validation "1" is not a fraction from 0 to less than 1' train $opts --validation 1
refused '--validation "-0.1" is not a fraction from 0 to less than 1' train $opts --validation -0.1
refused '--validation "1/0" is not a fraction from 0 to less than 1' train $opts --validation 1/0
refused '--validation "13/12" is not a fraction from 0 to less than 1' train $opts --validation 13/12
begins '--validation "nowhere": ' train $opts --validation nowhere
refused '--patience 3 needs validation samples, and --validation "0" leaves none' train $opts --patience 3 --validation 0
begins '--initial-checkpoint: nowhere: cannot open' train $opts --initial-checkpoint nowhere
begins '--initial-checkpoint: ./model.safetensors: cannot open' train $opts --initial-checkpoint .
echo hello >text
refused '--initial-checkpoint: text: 6 bytes are too few for a safetensors file' train $opts --initial-checkpoint text
refused '--out "text": Not a directory' train $opts --out text
refused '--out "text/a": Not a directory' train $opts --out text/a --steps 1
refused '--out "full": the folder is not empty; --resume continues the run in it' \
    train $opts --out "$(mkdir full && touch full/x && echo full)"
refused '"hsgd bench" has no option "--resume"' bench --model mlp --resume

# ------------------------------------------------------------- wrong config
config() # MESSAGE TEXT: the file bad.yaml with this text is refused so
{
    printf '%b' "$2" >bad.yaml
    refused "$1" train --config bad.yaml
}
refused 'nowhere.yaml: cannot open: No such file or directory' train --config nowhere.yaml
refused '.: cannot read: Is a directory' train --config .
config 'bad.yaml, line 1: a list of options is expected' ''
config 'bad.yaml, line 1: "option: value" is expected' 'lr\n'
config 'bad.yaml, line 1: "option: value" is expected' '- lr\n'
config 'bad.yaml, line 2: "colour" is not an option that a run has' 'model: linear\ncolour: red\n'
config 'bad.yaml, line 1: "resume" is not an option that a run has' 'resume: true\n'
config 'bad.yaml, line 1: "rows" is not an option that a run has' 'rows: 3\n'
config 'bad.yaml, line 3: "lr" appears twice' 'lr: 1\nmodel: linear\nlr: 2\n'
config 'bad.yaml, line 1: lr "fast" is not a number from 1e-12 to 1000' 'lr: fast\n'
config 'bad.yaml, line 1: lr "" is not a number from 1e-12 to 1000' 'lr:\n'
config 'bad.yaml, line 2: epochs "-1" is not an integer from 1 to 1000000' '# text\nepochs: -1\n'
config 'bad.yaml, line 1: seed "9e99" is not an integer from 0 to 9000000000000000' 'seed: 9e99\n'
config "bad.yaml, line 1: optimizer \"lion\" is not one of sgd, momentum, nesterov, adam, adamw, \
adagrad, rmsprop, rmsprop-momentum, lamb" 'optimizer: lion\n'
config 'bad.yaml, line 1: deterministic "yes" is neither true nor false' 'deterministic: yes\n'
config 'bad.yaml, line 1: data is empty' 'data: ""\n'
config 'bad.yaml, line 1: a single value is expected' 'lr: [1, 2]\n'
config 'bad.yaml, line 1: a single value is expected' 'lr: {a: 1}\n'
config 'bad.yaml, line 2: a single value is expected' 'lr: &a 0.1\nmin-lr: *a\n'
config 'bad.yaml, line 1: the name of an option is expected' '? [lr]\n: 1\n'
config 'bad.yaml, line 2: the end of the only document is expected' 'lr: 0.1\n---\nlr: 0.2\n'
config 'bad.yaml, line 1: the value of "data" has a zero byte' 'data: "a\\0b"\n'
config 'bad.yaml, line 3: could not find expected '"':'" 'lr: 1\nmodel\nlinear: 2\n'
printf 'model: "lin\377"\n' >bad.yaml
begins 'bad.yaml, line ' train --config bad.yaml
head -c 1100000 /dev/zero | tr '\0' '#' >bad.yaml
refused 'bad.yaml: the file is longer than 1048576 bytes' train --config bad.yaml
find . -mindepth 1 -maxdepth 1 | grep -vx './\(starpu\|out\|err\|text\|full\|bad.yaml\)'
check 'nothing is written when something is wrong' $((! $?))

# --------------------------------------------------------------------- runs
ok train $opts --steps 20 --batch-size 64 --lr 0.003 --dry-run
has out '^plan  '
[ ! -d runs ]
check 'a dry run writes nothing' $?
ok train $opts --steps 20 --batch-size 64 --lr 0.003
folder=$(sed -n 's/^run  *//p' out)
[ -d "$folder" ] && [ "$(dirname "$folder")" = runs ]
check "the folder $folder" $?
for f in config.yaml log.jsonl plan.json trace.json checkpoints/step-20/model.safetensors \
    checkpoints/step-20/state.safetensors checkpoints/last checkpoints/best; do
    [ -s "$folder/$f" ]
    check "$f is there" $?
done
has "$folder/config.yaml" '^lr: 0.003$'
has "$folder/config.yaml" '^sched: constant$'
ok train --config "$folder/config.yaml" --out again --json
json 'j["steps"] == 20 and j["batch_size"] == 64 and j["run"] == "again" and j["best_step"] == 20'
cmp -s "$folder/config.yaml" again/config.yaml
check 'the config of a run that is done again' $?
cmp -s "$folder/checkpoints/last/model.safetensors" again/checkpoints/last/model.safetensors
check 'a run is done again to the bit' $?
ok train --config "$folder/config.yaml" --steps 10 --out shorter --json
json 'j["steps"] == 10 and j["batch_size"] == 64'
ok train $opts --steps 3 --quiet
ok train $opts --steps 3 --quiet
[ "$(ls runs | wc -l)" -eq 3 ]
check 'a folder for every run' $?
ok train $opts --steps 4 --initial-checkpoint again/checkpoints/last --out warm --json
json 'j["losses"][0] < 2.0'

ok train $opts --steps 3 --validation digits --out validated
has out ' 12000 training, 12000 validation and 2000 test samples'
ok train $opts --steps 3 --validation 0.25 --out quarter
has out ' 9000 training, 3000 validation [(]seed 0[)] and 2000 test samples'
ok train $opts --epochs 2 --warmup-epochs 0.5 --validation 0 --out none --json
json 'j["validation_accuracy"] is None and j["best_step"] is None and j["steps"] == 188'

# ------------------------------------------------------------- a model file
cp "$srcdir_abs/models/linear.yaml" net.yaml
file_opts="--devices cpu --threads 1 --deterministic --steps 5"
ok train --model net.yaml $file_opts --out file
cp "$srcdir_abs/models/mlp-small.yaml" net.yaml
ok train --config file/config.yaml --out file2
cmp -s file/checkpoints/last/model.safetensors file2/checkpoints/last/model.safetensors
check 'the model is that of the run, not what the file has become' $?
ok train --resume --out file --model net.yaml
cmp -s file/model.yaml file2/model.yaml
check 'the copy of the model' $?
refused '--model is other.yaml, but net.yaml in file/config.yaml; --resume cannot change it' \
    train --out file --resume --model other.yaml
rm net.yaml
ok train --config file/config.yaml --out file3

# ------------------------------------------------------------------- average
average="$opts --sched constant --ema-decay 0.9 --deterministic --devices cpu"
ok train $average --epochs 2 --out average
says 'moving average of the weights, decay 0.9'
has average/config.yaml '^ema-decay: 0.9$'
loss=$(sed -n 's/^test accuracy .*, loss \([0-9.]*\);.*/\1/p' out)
digest=$(grep final_weights average/report.json)
ok eval --checkpoint average --devices cpu
has out "^loss +$loss"
ok train $opts --sched constant --epochs 2 --deterministic --devices cpu --out plain
cmp -s average/checkpoints/last/model.safetensors plain/checkpoints/last/model.safetensors
check 'the average is not the weights' $((! $?))
ok train $average --epochs 1 --out average2
ok train --out average2 --resume --epochs 2
[ "$digest" = "$(grep final_weights average2/report.json)" ]
check 'an average resumed is the same' $?
cmp -s average/checkpoints/last/model.safetensors average2/checkpoints/last/model.safetensors
check 'and so is its checkpoint' $?
refused '--ema-decay is 0.5, but 0.9 in average/config.yaml; --resume cannot change it' \
    train --out average --resume --ema-decay 0.5
refused '--ema-decay "1" is not a number from 0 to 0.999999' train $opts --ema-decay 1
refused 'ema_decay 0.9 is incompatible with algorithm "local"' train $average --algorithm local --out no

# ------------------------------------------------------------------- resume
ok train $opts --steps 172 --epochs 2 --out whole
ok train $opts --steps 172 --epochs 2 --out fresh --resume
has out '^run +fresh$'
ok train --out fresh --resume
has out '^run +fresh, resumed from step 172$'
cmp -s whole/checkpoints/last/model.safetensors fresh/checkpoints/last/model.safetensors
check 'a finished run stays as it is' $?
refused '--lr is 0.5, but 0.001 in fresh/config.yaml; --resume cannot change it' train --out fresh --resume --lr 0.5
refused '--model is mlp, but linear in fresh/config.yaml; --resume cannot change it' \
    train --out fresh --resume --model mlp
refused '--momentum is 0.9, but not set in fresh/config.yaml; --resume cannot change it' \
    train --out fresh --resume --momentum 0.9
ok train --out fresh --resume --threads 2 --checkpoint-hist 5 --patience 7
has fresh/config.yaml '^patience: 7$'
# Longer than before: as if it had been so at once where the schedule does not ask.
ok train $opts --sched constant --epochs 1 --out longer
ok train --out longer --resume --epochs 2
check "no warning: $(cat err)" "$([ ! -s err ]; echo $?)"
has longer/config.yaml '^epochs: 2$'
has out ' 172 steps, 86 of them now in '
ok train $opts --sched constant --epochs 2 --out at-once
cmp -s longer/checkpoints/last/model.safetensors at-once/checkpoints/last/model.safetensors
check 'a run made longer ends with the weights of a long one' $?
refused '--epochs 1 is 86 steps, but the run in "longer" has done 172' train --out longer --resume --epochs 1
has longer/config.yaml '^epochs: 2$'
ok train --out longer --resume --steps 180
grep -q '^epochs:' longer/config.yaml
check '--steps replaces --epochs' $((! $?))
has longer/config.yaml '^steps: 180$'
ok train --out fresh --resume --epochs 3
has err '^hsgd: warning: --sched cosine depends on the length of the training: '
has out '^run +fresh, resumed from step 172$'
cp -r fresh damaged
printf 'x' >damaged/checkpoints/step-258/state.safetensors
refused '--resume: damaged/checkpoints/step-258/state.safetensors: 1 bytes are too few for a safetensors file' \
    train --out damaged --resume

# ------------------------------------------------------------------ signals
begin() # starts a long run in the folder $1 and waits for its first epoch
{
    "$hsgd" train $opts --epochs 100000 --out "$1" >out 2>err &
    pid=$!
    await logged "$1" 2
}
checkpointed() # RUN
{
    ls "$1"/checkpoints/step-* >/dev/null 2>&1
}
stops() # SIGNAL CODE
{
    begin "stop$1"
    kill -"$1" $pid
    wait $pid
    code=$?
    [ $code -eq "$2" ]
    check "SIG$1: exit $code: $(cat err)" $?
    step=$(readlink "stop$1/checkpoints/last" | sed 's/step-//')
    [ "$(cat err)" = "hsgd: stopped by SIG$1 at step $step; --out stop$1 --resume continues" ]
    check "SIG$1: $(cat err)" $?
}
stops INT 130
stops TERM 143
begin asked
kill -USR1 $pid
await checkpointed asked
check 'SIGUSR1 makes a checkpoint' $?
kill -0 $pid
check 'and the training goes on' $?
kill -9 $pid
wait $pid 2>/dev/null
run train --model mlp-small --devices cpu --optimizer sgd --lr 1000 -b 1000 --epochs 20 --out wild
[ $code -eq 3 ] && ! ls wild/checkpoints/.tmp* >/dev/null 2>&1
check "a loss that is not finite: exit $code: $(cat err)" $?

# -------------------------------------------------------------------- files
if command -v python3 >/dev/null; then
    interpreter "$srcdir_abs/tests/check_run.py" fresh stopINT
    check 'log.jsonl and the event files' $?
fi
finish
