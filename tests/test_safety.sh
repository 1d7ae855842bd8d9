#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Nothing of a run is lost or torn: two processes with one folder, folders that
# were copied without their links, closed descriptors, pipes and terminals that
# go away.  Nothing here waits for a time: it waits for a state.
srcdir_abs=$(cd "${srcdir:-.}" && pwd)
. "${srcdir:-.}/tests/cli.sh"
opts='--model linear --devices cpu --threads 1'

epochs() # RUN COUNT: its log has so many epochs
{
    [ -s "$1/log.jsonl" ] && [ "$(grep -c '"epoch",' "$1/log.jsonl")" -ge "$2" ]
}
# What started the tests may ignore signals, as nohup does.
defaults='env --default-signal=HUP,PIPE'
begin() # RUN OPTIONS...: a long run in the background, once it has logged something
{
    folder=$1
    shift
    $defaults "$hsgd" train --out "$folder" --quiet "$@" >out.begin 2>err.begin &
    pid=$!
    await logged "$folder" 1
    check "$folder begins: $(cat err.begin)" $?
}
end() # ends it
{
    kill -TERM $pid
    wait $pid
}
is_json() # FILE: a JSON object a line
{
    if command -v python3 >/dev/null; then
        interpreter -c 'import json, sys
for line in open(sys.argv[1]): assert isinstance(json.loads(line), dict)' "$1" 2>/dev/null
    else
        ! grep -Evq '^\{.*\}$' "$1"
    fi
    check "$1 has JSON lines only: $(head -3 "$1")" $?
}

# ------------------------------------------------------- one folder, two runs
begin shared $opts --epochs 1000000
files() { find shared -maxdepth 1 -exec ls -di {} + | sort; }
files >before
cp shared/config.yaml config.before
for again in "--resume" "--resume --threads 2" "--resume --dry-run"; do
    run train $again --out shared
    [ $code -eq 1 ] && [ "$(cat err)" = 'hsgd: --out "shared": another process is using it' ]
    check "a second process, $again: $code, $(cat err)" $?
done
refused '--out "shared": the folder is not empty; --resume continues the run in it' train $opts --out shared
files >after
cmp -s before after && cmp -s shared/config.yaml config.before
check "nothing in the folder has changed: $(cat before after)" $?
await logged shared "$(wc -l <shared/log.jsonl)"
check 'the log goes on growing' $?
end
has err.begin '^hsgd: stopped by SIGTERM at step '
is_json shared/log.jsonl
ok train --resume --out shared --dry-run

# ---------------------------------------------------------- copied, no links
# A run that is best early: the learning rate soon throws it off.
begin linked $opts --epochs 1000000 --lr 30 --validation 0.2
await epochs linked 3
end
newest() { ls "$1/checkpoints" | sed -n 's/^step-//p' | sort -n | tail -1; }
best_of_log() # RUN: the step that its log says is the best
{
    interpreter -c 'import json, sys
best = None
for line in open(sys.argv[1] + "/log.jsonl"):
    e = json.loads(line)
    if e["event"] != "epoch": continue
    key = (-e["validation_accuracy"], e["validation_loss"], e["step"])
    if best is None or key < best: best = key
print(best[2])' "$1"
}
without_links() # FROM TO
{
    mkdir -p "$2/checkpoints"
    cp "$1/config.yaml" "$1/log.jsonl" "$2"
    cp -r "$1"/checkpoints/step-* "$2/checkpoints"
}
resume() # RUN: for a few checkpoints more than are kept
{
    ok train --resume --out "$1" --quiet --checkpoint-hist 1 --time-limit 0.05
}
takes_best() # RUN: eval takes the best, prune has kept it, the links are links
{
    best=$(best_of_log "$1")
    run eval $devices --checkpoint "$1" --json
    json "j['step'] == $best"
    [ -d "$1/checkpoints/step-$best" ]
    check "$1: step-$best is kept: $(ls "$1/checkpoints")" $?
}
linked() # RUN: both links name what they should
{
    [ "$(readlink "$1/checkpoints/best")" = "step-$(best_of_log "$1")" ] &&
        [ "$(readlink "$1/checkpoints/last")" = "step-$(newest "$1")" ]
    check "$1: links: $(ls -l "$1/checkpoints")" $?
}
devices='--devices cpu --threads 1 --data digits'
if command -v python3 >/dev/null; then
    linked linked
    takes_best linked
    without_links linked gone
    takes_best gone
    without_links linked files
    echo step-1 >files/checkpoints/best
    echo step-1 >files/checkpoints/last
    takes_best files
    cp -rL linked folders
    takes_best folders
    for run in gone files folders; do
        resume $run
        takes_best $run
        linked $run
    done
    mkdir gone/mine && rm gone/checkpoints/best && mv gone/mine gone/checkpoints/best && echo x >gone/checkpoints/best/x
    resume gone
    has err '^hsgd: warning: gone/checkpoints/best: cannot make the link: Is a directory; the checkpoints themselves are written$'
    takes_best gone
    [ -s gone/checkpoints/best/x ]
    check 'what is no checkpoint is not removed' $?
fi
cp -rL linked alone
rm -r alone/checkpoints/step-*
begins '--resume: alone/checkpoints has no step-N, but "last" exists' train --resume --out alone
[ -s alone/checkpoints/last/model.safetensors ]
check 'the only checkpoint stays' $?

# -------------------------------------------------------- closed descriptors
short="$opts --epochs 2"
"$hsgd" train $short --out closed1 >&- 2>err
check "without stdout: $(cat err)" $?
"$hsgd" train $short --out closed2 <&- >&- 2>&-
check 'without any' $?
"$hsgd" train $short --out closed3 <&- 2>&- >out
check 'without stdin and stderr' $?
for run in closed1 closed2 closed3; do
    is_json $run/log.jsonl
    [ "$(grep -c '"epoch",' $run/log.jsonl)" -eq 2 ]
    check "$run: both epochs are logged" $?
done
if command -v python3 >/dev/null; then
    interpreter "$srcdir_abs/tests/check_run.py" closed1 closed2 closed3
    check 'the event files are whole' $?
fi
"$hsgd" train --nonsense >&- 2>&-
[ $? -eq 2 ]
check 'wrong usage without a place for the sentence' $?

# -------------------------------------------- pipes and terminals that go away
stopped() # NAME CODE RUN: as SIGTERM ends a run
{
    [ "$code" -eq "$2" ]
    check "$1: exit $code: $(cat err)" $?
    step=$(newest "$3")
    [ -n "$step" ] && [ "$(cat err)" = "hsgd: stopped by $1 at step $step; --out $3 --resume continues" ]
    check "$1: $(cat err), checkpoints $(ls "$3/checkpoints")" $?
}
# Without --quiet there is a line an epoch for the pipe.
{ $defaults "$hsgd" train $opts --epochs 1000000 --out piped 2>err; echo $? >code; } | head -1 >/dev/null
code=$(cat code)
stopped SIGPIPE 141 piped
ok train --resume --out piped --time-limit 0.01 --quiet
begin hung $opts --epochs 1000000
kill -HUP $pid
kill -HUP $pid
wait $pid
code=$?
cp err.begin err
stopped SIGHUP 129 hung
(trap '' HUP; exec "$hsgd" train $opts --epochs 1000000 --out nohup --quiet >/dev/null 2>err) &
pid=$!
await logged nohup 1
kill -HUP $pid
await logged nohup "$(wc -l <nohup/log.jsonl)"
check 'nohup: training goes on after SIGHUP' $?
kill -TERM $pid
wait $pid
code=$?
stopped SIGTERM 143 nohup
(trap '' PIPE; exec "$hsgd" train $short --out ignored 2>err; echo $? >code) | true
await epochs ignored 2
check 'where SIGPIPE is ignored training goes on' $?
finish
