// Tests of the three sinks. SPDX-License-Identifier: GPL-2.0-or-later
#include "process/access_log/log_sink.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <httpd/module.h>

#include "process/access_log/file_sink.h"
#include "process/access_log/journal_sink.h"
#include "process/access_log/syslog_sink.h"

namespace httpd::process {
namespace {

using State = LogSink::Result::State;

class LogSinkTest : public ::testing::Test {
 protected:
  LogSinkTest() {
    static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
    char name[] = "/tmp/log_sink_XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~LogSinkTest() override { std::filesystem::remove_all(folder); }
  static std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static std::string read_from(int fd) {
    char buffer[10'000];
    const ssize_t size = ::read(fd, buffer, sizeof buffer);
    return {buffer, size > 0 ? static_cast<std::size_t>(size) : 0};
  }
  std::string folder;
};

TEST_F(LogSinkTest, AFileIsMadeForItsGroupAndGoesOn) {
  const std::string path = folder + "/log";
  ::umask(022);
  {
    FileSink sink(path);
    EXPECT_EQ(sink.write("one\n").bytes, 4U);
  }
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  FileSink(path).write("two\n");
  EXPECT_EQ(text_of(path), "one\ntwo\n");
}

TEST_F(LogSinkTest, ReopeningBeginsANewFileAndAFailureKeepsTheOld) {
  const std::string path = folder + "/log";
  FileSink sink(path);
  sink.write("one\n");
  ::rename(path.c_str(), (path + ".1").c_str());
  sink.write("two\n");
  EXPECT_EQ(sink.reopen(), 0);
  sink.write("three\n");
  EXPECT_EQ(text_of(path + ".1"), "one\ntwo\n");
  EXPECT_EQ(text_of(path), "three\n");
  ::unlink(path.c_str());
  ::mkdir(path.c_str(), 0700);
  EXPECT_EQ(sink.reopen(), EISDIR);
  EXPECT_EQ(sink.write("four\n").state, State::kDone);
}

TEST_F(LogSinkTest, WhatIsLetGoIsOpenedAgain) {
  const std::string path = folder + "/log";
  FileSink sink(path);
  ::rename(path.c_str(), (path + ".1").c_str());
  sink.let_go();
  sink.write("one\n");
  EXPECT_EQ(text_of(path), "one\n");
  sink.let_go();
  std::filesystem::remove_all(folder);
  const LogSink::Result result = sink.write("two\n");
  EXPECT_EQ(result.state, State::kAbsent);
  EXPECT_EQ(result.error, ENOENT);
}

TEST_F(LogSinkTest, BadPaths) {
  EXPECT_THROW(FileSink(folder + "/no/log"), ConfigError);
  EXPECT_THROW(FileSink sink(folder), ConfigError);
  EXPECT_THROW(FileSink::check(folder + "/no/log"), ConfigError);
  EXPECT_THROW(FileSink::check(folder), ConfigError);
  std::filesystem::create_symlink(folder + "/loop", folder + "/loop");
  EXPECT_THROW(FileSink::check(folder + "/loop"), ConfigError);
  const std::string path = folder + "/socket";
  const net::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_THROW(FileSink{path}, ConfigError);
  EXPECT_THROW(FileSink::check(path), ConfigError);
  FileSink::check(folder + "/log");
  EXPECT_FALSE(std::filesystem::exists(folder + "/log"));
}

TEST_F(LogSinkTest, AFullDisk) {
  FileSink sink("/dev/full");
  const LogSink::Result result = sink.write("one\ntwo\n");
  EXPECT_EQ(result.state, State::kLost);
  EXPECT_EQ(result.bytes, 8U);
  EXPECT_EQ(result.error, ENOSPC);
}

TEST_F(LogSinkTest, AFifo) {
  const std::string path = folder + "/fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  FileSink sink(path);
  EXPECT_EQ(sink.write("1\n").state, State::kAbsent);
  net::UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_EQ(sink.write("2\n").bytes, 2U);
  EXPECT_EQ(read_from(reader.get()), "2\n");
  const std::string much(1 << 20, 'x');
  const LogSink::Result some = sink.write(much);
  EXPECT_EQ(some.state, State::kDone);
  EXPECT_LT(some.bytes, much.size());
  EXPECT_EQ(sink.write(much).state, State::kBlocked);
  reader.reset();
  const LogSink::Result gone = sink.write(much);
  EXPECT_EQ(gone.state, State::kAbsent);
  EXPECT_EQ(gone.error, ENXIO);
}

TEST_F(LogSinkTest, AFifoGetsWholeLinesThatTheKernelKeepsTogether) {
  const std::string path = folder + "/fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const net::UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  FileSink sink(path);
  const std::string line = std::string(1499, 'x') + '\n';
  const std::string longer = std::string(4999, 'y') + '\n';
  EXPECT_EQ(sink.write(line + line + line).bytes, 2 * line.size());
  EXPECT_EQ(sink.write(line + longer).bytes, line.size());
  EXPECT_EQ(sink.write(longer + line).bytes, longer.size());
  ASSERT_EQ(sink.reopen(), 0);
  EXPECT_EQ(sink.write(line + line + line).bytes, 2 * line.size());
}

TEST_F(LogSinkTest, APartOfALineIsEndedBeforeTheNext) {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
  const std::string path = folder + "/log";
  FileSink sink(path);
  rlimit small{4, limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_EQ(sink.write("abcdef\n").bytes, 4U);
  EXPECT_EQ(sink.write("ef\n").state, State::kLost);
  ::setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_EQ(sink.write("next\n").bytes, 5U);
  EXPECT_EQ(text_of(path), "abcd\nnext\n");
}

TEST_F(LogSinkTest, Syslog) {
  const std::string path = folder + "/dev-log";
  SyslogSink sink(LOG_LOCAL7, path);
  EXPECT_EQ(sink.write("none\n").state, State::kAbsent);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto listen = [&] {
    net::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  };
  net::UniqueFd daemon = listen();
  EXPECT_EQ(sink.write("one\ntwo\n").bytes, 8U);
  EXPECT_THAT(read_from(daemon.get()),
              ::testing::MatchesRegex("<190>[A-Z][a-z][a-z] [ 123][0-9] ..:..:.. httpd\\[[0-9]+\\]: one"));
  EXPECT_THAT(read_from(daemon.get()), ::testing::EndsWith(": two"));
  sink.write(std::string(SyslogSink::kLongest + 1, 'x') + '\n');
  EXPECT_THAT(read_from(daemon.get()), ::testing::EndsWith("xxx..."));
  // It is started again.
  daemon.reset();
  ::unlink(path.c_str());
  EXPECT_EQ(sink.write("lost\n").state, State::kAbsent);
  daemon = listen();
  EXPECT_EQ(sink.write("again\n").bytes, 6U);
  EXPECT_THAT(read_from(daemon.get()), ::testing::EndsWith(": again"));
  // It stands still.
  LogSink::Result result;
  for (int i = 0; i < 10'000 && result.state == State::kDone; ++i)
    result = sink.write("more\n");
  EXPECT_EQ(result.state, State::kBlocked);
}

TEST(JournalSink, RecordsAreTakenToPieces) {
  const std::string record = "MESSAGE=a - b\x1fHTTPD_USER=-\x1fHTTPD_STATUS=200\x1fHTTPD_ROOT=\x1fX";
  std::vector<iovec> fields;
  split_record(record, fields);
  std::vector<std::string> texts;
  for (const iovec& field : fields)
    texts.emplace_back(static_cast<const char*>(field.iov_base), field.iov_len);
  EXPECT_THAT(texts, ::testing::ElementsAre("MESSAGE=a - b", "HTTPD_STATUS=200", "X"));
}

}  // namespace
}  // namespace httpd::process
