/*
 * The peer on which the stock module stands: libmicrohttpd with epoll inside and every reply copied, driven
 * by an event loop of one's own as that module does it, or by a thread of the library's; over TLS if it gets
 * files and a priority string. SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <arpa/inet.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_SIZE 500
#define LARGE_SIZE (4 * 1024 * 1024)
#define MOST_PRINTED (256 * 1024 * 1024)
#define MOST_PEM 65536
#define MOST_CONNECTIONS 30000U
#define MOST_IDLE 300U /* seconds */

static const char print_path[] = "/print/";

/* The body of the request so far. */
struct upload {
  size_t size;
  char bytes[1024];
};

/* How long the page at `url` is. */
static size_t page_size_of(const char* url) {
  if (strncmp(url, print_path, sizeof print_path - 1) != 0)
    return strcmp(url, "/bench/large") == 0 ? LARGE_SIZE : REPLY_SIZE;
  const size_t size = strtoul(url + sizeof print_path - 1, NULL, 10);
  return size < MOST_PRINTED ? size : MOST_PRINTED;
}

static enum MHD_Result answer(void* cls, struct MHD_Connection* connection, const char* url,
                              const char* method, const char* version, const char* data, size_t* data_size,
                              void** con_cls) {
  (void)cls, (void)version;
  struct upload* upload = *con_cls;
  if (upload == NULL) {
    *con_cls = calloc(1, sizeof *upload);
    return *con_cls != NULL ? MHD_YES : MHD_NO;
  }
  if (*data_size > 0) {
    if (*data_size > sizeof upload->bytes - upload->size) return MHD_NO;
    memcpy(upload->bytes + upload->size, data, *data_size);
    upload->size += *data_size;
    *data_size = 0;
    return MHD_YES;
  }
  static char page[MOST_PRINTED]; /* as the stock module has one buffer for all replies */
  const size_t page_size = page_size_of(url);
  memset(page, 'x', page_size);
  const int posted = strcmp(method, "POST") == 0;
  struct MHD_Response* response = MHD_create_response_from_buffer(
      posted ? upload->size : page_size, posted ? upload->bytes : page, MHD_RESPMEM_MUST_COPY);
  if (response == NULL) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  const enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
  MHD_destroy_response(response);
  return result;
}

static void forget(void* cls, struct MHD_Connection* connection, void** con_cls,
                   enum MHD_RequestTerminationCode code) {
  (void)cls, (void)connection, (void)code;
  free(*con_cls);
  *con_cls = NULL;
}

/* The file's text, which must last as long as the program; ends the program if there is none. */
static void read_pem(const char* path, char* text) {
  FILE* file = fopen(path, "r");
  const size_t size = file != NULL ? fread(text, 1, MOST_PEM - 1, file) : 0;
  if (size == 0 || !feof(file)) {
    (void)fprintf(stderr, "%s: cannot be read\n", path);
    exit(1);
  }
  text[size] = '\0';
  (void)fclose(file);
}

int main(int argc, char** argv) {
  const int tls = argc == 5;
  const int thread = argc == 3 && strcmp(argv[2], "thread") == 0;
  if (argc != 2 && !tls && !thread) {
    (void)fprintf(stderr, "usage: %s PORT [thread | CERTIFICATE KEY PRIORITY]\n", argv[0]);
    return 2;
  }
  static char certificate[MOST_PEM];
  static char key[MOST_PEM];
  struct MHD_OptionItem tls_options[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
                                         {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
                                         {MHD_OPTION_HTTPS_PRIORITIES, 0, tls ? argv[4] : NULL},
                                         {MHD_OPTION_END, 0, NULL}};
  if (tls) {
    read_pem(argv[2], certificate);
    read_pem(argv[3], key);
  } else {
    tls_options[0] = tls_options[3];
  }
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
  const unsigned flags =
      MHD_USE_EPOLL | (tls ? MHD_USE_TLS : 0U) | (thread ? MHD_USE_INTERNAL_POLLING_THREAD : 0U);
  struct MHD_Daemon* daemon =
      MHD_start_daemon(flags, 0, NULL, NULL, &answer, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr*)&address,
                       MHD_OPTION_CONNECTION_LIMIT, MOST_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                       MOST_IDLE, MHD_OPTION_NOTIFY_COMPLETED, &forget, NULL,
                       MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_ARRAY, tls_options, MHD_OPTION_END);
  if (daemon == NULL) {
    (void)fprintf(stderr, "cannot start\n");
    return 1;
  }
  while (thread)
    (void)pause();
  const union MHD_DaemonInfo* info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  struct pollfd waiting = {info->epoll_fd, POLLIN, 0};
  for (;;) {
    MHD_UNSIGNED_LONG_LONG timeout = 0;
    int wait = -1;
    if (MHD_get_timeout(daemon, &timeout) == MHD_YES) wait = timeout > INT_MAX ? INT_MAX : (int)timeout;
    (void)poll(&waiting, 1, wait);
    MHD_run(daemon);
  }
}
