# Prints what a built OpenSIPS tree was configured with; builds nothing.
# Usage: make -s -C TREE -f THIS_FILE         SPDX-License-Identifier: GPL-2.0-or-later
makefile_defs = 0
DEFS := $(DEFS_EXTRA_OPTS)
include Makefile.conf
include Makefile.defs
$(info release=$(RELEASE))
$(info definitions=$(DEFS))
all: ;
