// A handler module in C++: serves the files below a directory. See files.cfg.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// Nothing outside the directory is sent: a symbolic link is followed only where it stays inside, and ".."
// never comes this far. Names that begin with a dot are hidden, directories are shown by their index.html or
// not at all, and what is neither file nor directory does not exist.
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <httpd/module.h>
#include <httpd/parameter.h>

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kTypes{{
    {".css", "text/css; charset=utf-8"},
    {".gif", "image/gif"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/vnd.microsoft.icon"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".pdf", "application/pdf"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".wav", "audio/vnd.wave"},
}};

std::string_view type_of(std::string_view path) {
  for (const auto& [ending, type] : kTypes)
    if (path.ends_with(ending)) return type;
  return "application/octet-stream";
}

int status_for(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return 503;
    case EIO:
      return 500;
    default:
      return 404;
  }
}

class FilesHandler final : public httpd::Handler {
 public:
  explicit FilesHandler(int directory) : directory_(directory) {}
  FilesHandler(const FilesHandler&) = delete;
  FilesHandler& operator=(const FilesHandler&) = delete;
  ~FilesHandler() override { ::close(directory_); }

  [[nodiscard]] httpd::MethodSet methods() const override { return {httpd::Method::kGet}; }

  void handle(const httpd::Request& request, httpd::Reply reply) override {
    std::string path(request.path().empty() ? "/" : request.path());
    if (path.find("/.") != std::string::npos) return refuse(std::move(reply), 404);
    if (path.back() == '/') path += "index.html";
    httpd::File file = httpd::File::open_beneath(directory_, path.c_str() + 1);
    if (!file) return refuse(std::move(reply), status_for(file.error()));
    reply.content_type(type_of(path)).header("X-Content-Type-Options", "nosniff").send_file(std::move(file));
  }

 private:
  static void refuse(httpd::Reply reply, int status) {
    reply.status(status).send(status == 404 ? "There is no such file\n" : "This file cannot be read\n");
  }

  int directory_;
};

class FilesModule final : public httpd::Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "files_cpp"; }

  [[nodiscard]] std::vector<httpd::Parameter> parameters() override {
    return {httpd::string_parameter("root", [this](const std::string& value) { root_ = value; }),
            httpd::string_parameter("directory", [this](const std::string& value) { directory_ = value; })};
  }

  void init(httpd::Host& host) override {
    if (directory_.empty()) throw httpd::ConfigError("parameter directory says what is served: set it");
    const int descriptor = ::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) throw httpd::ConfigError("directory " + directory_ + ": " + std::strerror(errno));
    host.register_root(name(), root_, std::make_unique<FilesHandler>(descriptor));
  }

 private:
  std::string root_ = "files";
  std::string directory_;
};

}  // namespace

HTTPD_MODULE(FilesModule)
