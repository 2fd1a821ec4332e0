// A peer: Boost.Asio and Boost.Beast, as an ordinary user of these libraries writes a server with them. One
// io_context in one thread, one request at a time on each connection, and a reply made anew for each.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const std::string& page) : stream_(std::move(socket)), page_(page) {}

  void read() {
    request_ = {};
    http::async_read(stream_, buffer_, request_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->answer();
    });
  }

 private:
  void answer() {
    response_ = {http::status::ok, request_.version()};
    response_.set(http::field::content_type, "application/json");
    response_.keep_alive(request_.keep_alive());
    response_.body() = request_.method() == http::verb::post ? std::move(request_.body()) : page_;
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      if (self->response_.keep_alive()) {
        self->read();
      } else {
        self->stream_.socket().shutdown(tcp::socket::shutdown_send, error);
      }
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response<http::string_body> response_;
  const std::string& page_;  // the Listener's
};

class Listener {
 public:
  Listener(asio::io_context& context, std::uint16_t port, std::size_t page_size)
      : acceptor_(context, {asio::ip::address_v4::loopback(), port}), page_(page_size, 'x') {}

  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!error) {
        socket.set_option(tcp::no_delay(true), error);
        std::make_shared<Session>(std::move(socket), page_)->read();
      }
      accept();
    });
  }

 private:
  tcp::acceptor acceptor_;
  std::string page_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    static_cast<void>(std::fputs("usage: bench_asio_server PORT PAGE_SIZE\n", stderr));
    return 2;
  }
  try {
    asio::io_context context(1);
    Listener listener(context, static_cast<std::uint16_t>(std::stoul(argv[1])), std::stoul(argv[2]));
    listener.accept();
    context.run();
  } catch (const std::exception& exception) {
    static_cast<void>(std::fprintf(stderr, "bench_asio_server: %s\n", exception.what()));
    return 1;
  }
  return 0;
}
