// What the daemon gives to modules written in C. SPDX-License-Identifier: GPL-2.0-or-later
#include <string_view>

#include <httpd/httpd_load.h>

extern "C" __attribute__((visibility("default"), used)) httpd_export_f find_export(const char* name,
                                                                                   int /*flags*/) {
  if (name == nullptr || std::string_view(name) != "httpd_bind") return nullptr;
  return reinterpret_cast<httpd_export_f>(&httpd_bind);
}
