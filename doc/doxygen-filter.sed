# SPDX-License-Identifier: BSD-3-Clause
# Turns the headers' plain comments into Doxygen's, so that the headers stay
# readable: the first comment is the file's, a comment after a field is that
# field's, a comment at the start of a line belongs to what follows.
/SPDX-License-Identifier/s/.*//
1,2s|^/\*|/** @file\n *|
/^ *\/\* -----/b
s|^\( *\)/\* |\1/** |
s|\([;,{}0-9A-Z_)] *\)/\* |\1/**< |
