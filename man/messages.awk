# SPDX-License-Identifier: ISC
# The message table (common/msg_types.def) as an mdoc list: the appendix of
# relayd(8).

function trim(s)
{
	gsub(/^[ \t"]+|[ \t"]+$/, "", s)
	return s
}

function procs(s,    out, n, part, i)
{
	n = split(s, part, "|")
	out = ""
	for (i = 1; i <= n; i++)
		out = out (i > 1 ? " " : "") name[trim(part[i])]
	return out
}

# Text in lines that mdoc likes, the first after a prefix.
function wrapped(prefix, s,    n, word, i, line)
{
	n = split(s, word, " ")
	line = prefix
	for (i = 1; i <= n; i++) {
		if (length(line) + length(word[i]) > 76) {
			print line
			line = word[i]
		} else
			line = line " " word[i]
	}
	print line
}

BEGIN {
	name["P"] = "parent"
	name["F"] = "frontend"
	name["D"] = "dialer"
	name["B"] = "backend"
	name["R"] = "router"
	name["G"] = "registry"
	name["C"] = "ctl"
	print ".Bl -tag -width Ds"
}

/^MSG\(/ {
	text = $0
	while (text !~ /"\)$/ && (getline line) > 0)
		text = text " " line
	sub(/^MSG\(/, "", text)
	at = index(text, "\"")
	fields = substr(text, at + 1)
	sub(/"\)$/, "", fields)
	split(substr(text, 1, at - 1), col, ",")
	printf ".It Li %s\n", trim(col[1])
	printf "%s to %s", procs(col[2]), procs(col[3])
	if (trim(col[6]) == "ONE")
		printf ", with a file descriptor"
	else if (trim(col[6]) == "MAY")
		printf ", may carry a file descriptor"
	phases = tolower(trim(col[7]))
	gsub(/\|/, ", ", phases)
	printf ";\nphases %s.\n", phases
	if (fields != "")
		print ".br"
	if (fields != "")
		wrapped("Fields:", fields ".")
}

END {
	print ".El"
}
