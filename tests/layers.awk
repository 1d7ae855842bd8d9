# SPDX-License-Identifier: BSD-3-Clause
# Upward calls and includes, for layers.sh.  Input: the table (layers.txt), and then lines
#   module M              a file without its ending, as all M, A and B
#   defines M SYMBOL      needs M SYMBOL
#   include FILE FOUND    the file that an #include of FILE names
# Output: a sentence for every upward arrow, for every module without a layer, and for every pattern without a module.
function fail(text) { print text; failed++ }
function module_of(file) { sub(/\.[a-z]+$/, "", file); return file }
function layer_of(module,    i)
{
    if (!(module in layer)) {
        layer[module] = 0
        for (i = 1; i <= npatterns && !layer[module]; i++)
            if (module ~ regex[i]) { layer[module] = of[i]; used[i] = 1 }
        if (!layer[module]) fail(module " is in no layer of tests/layers.txt")
    }
    return layer[module]
}
function arrow(kind, from, to, with,    a, b)
{
    a = layer_of(module_of(from)); b = layer_of(module_of(to))
    arrows[kind]++
    if (!a || !b || b <= a) return
    if (!told[kind, from, to]++)
        fail(from " " kind " " to with ", upward: from layer " name[a] " to " name[b])
}

{ sub(/^#.*/, "") }
sub(/\\$/, "") { held = held $0; next }
{ $0 = held $0; held = "" }
$1 == "layer" {
    name[++nlayers] = $2
    for (i = 3; i <= NF; i++) {
        pattern[++npatterns] = $i
        of[npatterns] = nlayers
        gsub(/\*/, ".*", $i)
        regex[npatterns] = "^" $i "$"
    }
}
$1 == "module" { layer_of($2) }
$1 == "defines" { defined[$3] = $2 }
$1 == "needs" { needs[++nneeds] = $2; symbol[nneeds] = $3 }
$1 == "include" { arrow("includes", $2, $3, "") }

END {
    for (i = 1; i <= nneeds; i++)
        if (symbol[i] in defined) arrow("calls", needs[i], defined[symbol[i]], " (" symbol[i] ")")
    for (i = 1; i <= npatterns; i++)
        if (!used[i]) fail("tests/layers.txt: no file is \"" pattern[i] "\"")
    printf "%d modules, %d calls and %d includes between them\n", length(layer), arrows["calls"], arrows["includes"]
    exit failed > 0
}
