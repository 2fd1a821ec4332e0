/*
 * The parameters of the module, by their types: those of the engine, src/server/parameters.cpp.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HTTPD_OPENSIPS_PARAMETER_LISTS_H
#define HTTPD_OPENSIPS_PARAMETER_LISTS_H

#define INTEGER_PARAMETERS(P)  \
  P(port)                      \
  P(buf_size)                  \
  P(conn_timeout)              \
  P(header_timeout)            \
  P(body_timeout)              \
  P(send_timeout)              \
  P(min_body_rate)             \
  P(min_send_rate)             \
  P(handler_timeout)           \
  P(max_connections)           \
  P(max_client_connections)    \
  P(max_connection_requests)   \
  P(max_pipelined_requests)    \
  P(max_request_rate)          \
  P(max_request_burst)         \
  P(max_auth_failures)         \
  P(auth_failure_delay)        \
  P(workers)                   \
  P(max_queue)                 \
  P(max_root_workers)          \
  P(stuck_timeout)             \
  P(drain_delay)               \
  P(drain_timeout)             \
  P(upgrade_timeout)           \
  P(post_buf_size)             \
  P(receive_buf_size)          \
  P(max_form_size)             \
  P(max_uri_size)              \
  P(max_header_size)           \
  P(max_header_fields)         \
  P(max_trailer_size)          \
  P(max_trailer_fields)        \
  P(max_form_fields)           \
  P(max_chunk_extension_size)  \
  P(compress_min_size)         \
  P(compress_level)            \
  P(max_compressed_streams)    \
  P(console_max_viewers)       \
  P(tls_key_permissions_check) \
  P(tls_handshake_timeout)     \
  P(tls_ticket_lifetime)       \
  P(request_id)
#define STRING_PARAMETERS(P) \
  P(ip)                      \
  P(listen)                  \
  P(admin_addresses)         \
  P(auth_realm)              \
  P(auth_username)           \
  P(auth_password)           \
  P(auth_file)               \
  P(auth_token_file)         \
  P(access)                  \
  P(allowed_hosts)           \
  P(trusted_proxies)         \
  P(forwarded_header)        \
  P(health_root)             \
  P(console_root)            \
  P(compress)                \
  P(tls_cert_file)           \
  P(tls_key_file)            \
  P(tls_ocsp_file)           \
  P(tls_ciphers)             \
  P(tls_ca_file)             \
  P(tls_verify_client)       \
  P(tls_ticket_key_file)     \
  P(access_log)              \
  P(access_log_format)

#endif /* HTTPD_OPENSIPS_PARAMETER_LISTS_H */
