// What the header of a reply says about content codings, and how it changes with one (RFC 9110 section 8.4).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "http/accept_encoding.h"
#include "http/framing.h"

namespace httpd::http {

/// Whether bodies of this Content-Type become shorter, and may wait for more to come: text, JSON, XML,
/// scripts and the like. Not what is compressed already, nor text/event-stream, whose events must leave at
/// once.
[[nodiscard]] bool is_compressible(std::string_view content_type) noexcept;

/// Whether a body with these header lines must stay as it is: it has a Content-Encoding, is a part of another
/// body (Content-Range), has a digest of these very bytes (RFC 9530, and its predecessors), or a
/// Cache-Control with no-transform (RFC 9111 section 5.2.2.6).
[[nodiscard]] bool forbids_coding(std::string_view lines) noexcept;

/// Says in Vary that the reply depends on Accept-Encoding (RFC 9110 section 12.5.5), if that does not say so
/// already. `lines` are whole header lines, each ended by CRLF. Throws std::bad_alloc, as the others do.
void add_vary(std::string& lines);

/// Makes the entity tag weak, if there is one: two codings of one version are equal in what they say, and not
/// byte by byte (RFC 9110 section 8.8.1).
void weaken_entity_tag(std::string& lines);

/// What the header of a body says that is sent with this coding: Content-Encoding, a weak entity tag, and no
/// offer of ranges, which would be those of other bytes. Where a body that has ranges has no tag, its date
/// goes as well: a client that takes it for a strong validator (section 8.8.2.2) would join pieces of both.
void apply_coding(ContentCoding coding, std::string& lines);

/// Whether a client that asks with these fields has a coded body: If-None-Match names the strong tag of
/// `lines` by its weak form alone. A 304 tells it that form then, so that a cache finds what it has
/// (RFC 9111 section 4.3.4).
[[nodiscard]] bool has_coded_body(std::span<const FieldLine> fields, std::string_view lines) noexcept;

}  // namespace httpd::http
