/*
 * Prints what OpenSIPS's loader compares when it loads a module built with these definitions, as
 * `opensips -V` prints it. Run when the build is configured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

/* NOLINTBEGIN: C */

#include <stdio.h>

#include "version.h"

int main(void) {
  printf("version: %s\nflags: %s\n%s revision: %s\n", OPENSIPS_FULL_VERSION, OPENSIPS_COMPILE_FLAGS,
         VERSIONTYPE, THISREVISION);
  return 0;
}

/* NOLINTEND */
