// Tests of multipart forms.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace httpd::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs pairs_of(const Arguments& arguments) {
  Pairs pairs;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    pairs.emplace_back(arguments.at(i));
  return pairs;
}

Pairs parse(std::string_view body, std::string_view boundary = "b") {
  Arguments arguments;
  EXPECT_EQ(parse_multipart(body, boundary, {}, arguments), Refusal::kNone) << body;
  return pairs_of(arguments);
}

Refusal refusal_of(std::string_view body, std::size_t max_pair = 0, std::string_view boundary = "b") {
  Arguments arguments;
  return parse_multipart(body, boundary, {.max_pair = max_pair}, arguments);
}

/// A form of one part with this header section, whose lines have no CR LF after the last.
std::string form_with_header(const std::string& header) {
  return "--b\r\n" + header + "\r\n\r\nv\r\n--b--\r\n";
}

std::string part(const std::string& name, const std::string& value) {
  return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}

const std::string kEnd = "--b--\r\n";
const std::string kDisposition = "Content-Disposition: form-data; name=\"n\"";

TEST(MultipartForm, Fields) {
  EXPECT_THAT(parse(part("a", "1") + part("b", "two\r\nlines") + part("c", "") + kEnd),
              ElementsAre(Pair("a", "1"), Pair("b", "two\r\nlines"), Pair("c", "")));
}

TEST(MultipartForm, EmptyForm) {
  EXPECT_THAT(parse("--b--"), IsEmpty());
  EXPECT_THAT(parse("--b--\r\n"), IsEmpty());
  EXPECT_THAT(parse("\r\n--b--\r\n"), IsEmpty());
}

TEST(MultipartForm, PreambleAndEpilogueAreIgnored) {
  EXPECT_THAT(parse("see RFC 2046 --b\n--b\r\n" + part("a", "1") + kEnd + "the end\r\n" + part("b", "2")),
              ElementsAre(Pair("a", "1")));
}

TEST(MultipartForm, ValuesAreTakenAsTheyAre) {
  const std::string value = "\n--b\n\r--b\r\n --b\r\n-b\r\n--\r\r\n\t%41+";
  EXPECT_THAT(parse(part("a", value) + kEnd), ElementsAre(Pair("a", value)));
  EXPECT_THAT(parse(part("a", "\r\n") + kEnd), ElementsAre(Pair("a", "\r\n")));
}

TEST(MultipartForm, PartMayEndWithItsHeader) {
  EXPECT_THAT(parse("--b\r\n" + kDisposition + "\r\n\r\n--b--"), ElementsAre(Pair("n", "")));
  EXPECT_EQ(refusal_of("--b\r\n" + kDisposition + "\r\n--b--"), Refusal::kMalformedForm);
}

TEST(MultipartForm, DelimiterLinesMayEndInBlanks) {
  EXPECT_THAT(parse("--b \t\r\n" + kDisposition + "\r\n\r\nv\r\n--b-- \t"), ElementsAre(Pair("n", "v")));
  EXPECT_THAT(parse("--b \t\r\n" + kDisposition + "\r\n\r\nv\r\n--b-- \t\r\nepilogue"),
              ElementsAre(Pair("n", "v")));
}

TEST(MultipartForm, BoundaryOfDashes) {
  EXPECT_THAT(parse("----\r\n" + kDisposition + "\r\n\r\nv\r\n------", "--"), ElementsAre(Pair("n", "v")));
}

TEST(MultipartForm, LongestBoundary) {
  const std::string boundary(70, 'b');
  EXPECT_THAT(parse("--" + boundary + "\r\n" + kDisposition + "\r\n\r\nv\r\n--" + boundary + "--", boundary),
              ElementsAre(Pair("n", "v")));
}

TEST(MultipartForm, BoundaryMustBeValid) {
  for (const std::string& boundary :
       {std::string(), std::string(71, 'b'), std::string("b "), std::string("b\r\n"), std::string("b;")}) {
    EXPECT_EQ(refusal_of("--" + boundary + "--", 0, boundary), Refusal::kMalformedForm) << boundary;
  }
}

TEST(MultipartForm, MalformedDelimiters) {
  for (const std::string& text :
       std::vector<std::string>{"",
                                "--",
                                "--b",
                                "--b-",
                                "--b\r\n",
                                "b--",
                                "-b--",
                                "\n--b--",
                                " --b--",
                                part("a", "1"),
                                part("a", "1") + "--b",
                                part("a", "1") + "--b-",
                                part("a", "1") + "--b\r\n",
                                part("a", "1") + "--b-\r\n",
                                part("a", "1") + "--bb--\r\n",
                                part("a", "1") + "--b--x",
                                part("a", "1") + "--b--\n",
                                part("a", "1") + "--b--\r",
                                part("a", "1") + "--b x\r\n" + kEnd,
                                "--b\r\n--b--",
                                "--b\r\n\r\n--b--",
                                "--b\r\n--b: x\r\n" + kDisposition + "\r\n\r\nv\r\n--b--",
                                "--b\n" + kDisposition + "\n\nv\n--b--\n",
                                "--b\n" + kDisposition + "\r\n\r\nv\r\n--b--\r\n"}) {
    EXPECT_EQ(refusal_of(text), Refusal::kMalformedForm) << text;
  }
}

TEST(MultipartForm, MalformedPartHeaders) {
  for (const std::string& text : std::vector<std::string>{
           "--b\r\n\r\nv\r\n--b--", form_with_header("X: y"), form_with_header(kDisposition + "\nX: y"),
           form_with_header(kDisposition + "\rX: y"), form_with_header(kDisposition + "\r\n folded"),
           form_with_header(kDisposition + "\r\nno colon"), form_with_header(kDisposition + "\r\n: y"),
           form_with_header(kDisposition + "\r\nX : y"), form_with_header(kDisposition + "\r\nX: \x01"),
           form_with_header(kDisposition + std::string("\r\n").append(kDisposition)),
           "--b\r\n" + kDisposition + "\n\nv\r\n--b--"}) {
    EXPECT_EQ(refusal_of(text), Refusal::kMalformedForm) << text;
  }
}

TEST(MultipartForm, MalformedDispositions) {
  for (const std::string& text : std::vector<std::string>{
           form_with_header("Content-Disposition:"), form_with_header("Content-Disposition: form-data"),
           form_with_header("Content-Disposition: attachment; name=\"n\""),
           form_with_header("Content-Disposition: form-data; name"),
           form_with_header("Content-Disposition: form-data; name="),
           form_with_header("Content-Disposition: form-data; name=\"\""),
           form_with_header("Content-Disposition: form-data; name=\"n"),
           form_with_header(R"(Content-Disposition: form-data; name="n"; name="m")"),
           form_with_header("Content-Disposition: form-data; name=\"n\" x"),
           form_with_header("Content-Disposition: form-data, name=\"n\""),
           form_with_header("Content-Disposition: form-data; names=\"n\"")}) {
    EXPECT_EQ(refusal_of(text), Refusal::kMalformedForm) << text;
  }
}

TEST(MultipartForm, DispositionInOtherSpellings) {
  EXPECT_THAT(parse(form_with_header("content-DISPOSITION:Form-Data;NAME=n")), ElementsAre(Pair("n", "v")));
  EXPECT_THAT(parse(form_with_header("Content-Disposition: form-data; x=y; name=\"n\";")),
              ElementsAre(Pair("n", "v")));
  EXPECT_THAT(parse(form_with_header("Content-Type: text/plain; charset=utf-8\r\n" + kDisposition)),
              ElementsAre(Pair("n", "v")));
}

TEST(MultipartForm, NamesAreUnquotedButNotPercentDecoded) {
  EXPECT_THAT(parse(part(R"(a\"b\\c;%22+)", "v") + kEnd), ElementsAre(Pair("a\"b\\c;%22+", "v")));
  EXPECT_THAT(parse(part("\xC3\xA4", "v") + kEnd), ElementsAre(Pair("\xC3\xA4", "v")));
}

TEST(MultipartForm, FilesAreRefused) {
  for (const char* const parameter :
       {"filename=\"a.txt\"", "filename=\"\"", "FileName=a", "filename*=utf-8''a"}) {
    EXPECT_EQ(refusal_of(form_with_header(kDisposition + "; " + parameter)), Refusal::kFileUpload)
        << parameter;
    EXPECT_EQ(refusal_of(
                  form_with_header(std::string("Content-Disposition: form-data; ") + parameter + "; name=n")),
              Refusal::kFileUpload)
        << parameter;
  }
  EXPECT_EQ(refusal_of(form_with_header(kDisposition + "; filenames=a")), Refusal::kNone);
}

TEST(MultipartForm, TransferEncodingsThatChangeNothingAreTaken) {
  for (const char* const encoding : {"7bit", "8BIT", "Binary"}) {
    EXPECT_EQ(refusal_of(form_with_header(std::string("Content-Transfer-Encoding: ") + encoding + "\r\n" +
                                          kDisposition)),
              Refusal::kNone);
  }
  for (const char* const encoding : {"", "base64", "quoted-printable", "7bit, base64", "x"}) {
    EXPECT_EQ(refusal_of(form_with_header(std::string("Content-Transfer-Encoding: ") + encoding + "\r\n" +
                                          kDisposition)),
              Refusal::kMalformedForm)
        << encoding;
  }
}

TEST(MultipartForm, NulIsRefused) {
  EXPECT_EQ(refusal_of(part("a", std::string("x\0y", 3)) + kEnd), Refusal::kMalformedForm);
  EXPECT_EQ(refusal_of(part(std::string("x\0y", 3), "v") + kEnd), Refusal::kMalformedForm);
  EXPECT_EQ(refusal_of(part(std::string("x\\\0y", 4), "v") + kEnd), Refusal::kMalformedForm);
}

TEST(MultipartForm, LimitCountsNameAndValue) {
  EXPECT_EQ(refusal_of(part("abc", "defg") + kEnd, 7), Refusal::kNone);
  EXPECT_EQ(refusal_of(part("abc", "defgh") + kEnd, 7), Refusal::kFormFieldTooLarge);
  EXPECT_EQ(refusal_of(part(R"(\a\b\c)", "defg") + kEnd, 7), Refusal::kNone);
  EXPECT_EQ(refusal_of(part("abc", std::string(1 << 20, 'v')) + kEnd, 0), Refusal::kNone);
}

TEST(MultipartForm, EightHeaderFieldsAPart) {
  std::string header = kDisposition;
  for (int i = 0; i < 7; ++i)
    header += "\r\nX: y";
  EXPECT_EQ(refusal_of(form_with_header(header)), Refusal::kNone);
  EXPECT_EQ(refusal_of(form_with_header(header + "\r\nX: y")), Refusal::kMalformedForm);
}

TEST(MultipartForm, HeaderSectionOf4096Bytes) {
  const std::string first_line = kDisposition + "\r\n";
  const std::string filler = "X: " + std::string(4096 - first_line.size() - 5, 'y');
  EXPECT_EQ(refusal_of(form_with_header(first_line + filler)), Refusal::kNone);
  EXPECT_EQ(refusal_of(form_with_header(first_line + filler + "y")), Refusal::kMalformedForm);
  EXPECT_EQ(refusal_of(form_with_header("X: " + std::string(4094, 'y'))), Refusal::kMalformedForm);
}

TEST(MultipartForm, SoManyPartsAndNoMore) {
  std::string body;
  for (int i = 0; i < 3; ++i)
    body += part("n", "v");
  const FormLimits limits{0, 3, Refusal::kTooManyFormFields};
  Arguments arguments;
  arguments.add("of", "the query");
  EXPECT_EQ(parse_multipart(body + kEnd, "b", limits, arguments), Refusal::kNone);
  EXPECT_EQ(arguments.size(), 4U);
  arguments.clear();
  EXPECT_EQ(parse_multipart(body + part("n", "v") + kEnd, "b", limits, arguments),
            Refusal::kTooManyFormFields);
  EXPECT_EQ(arguments.size(), 3U);
}

TEST(MultipartForm, FieldsBeforeAFaultStay) {
  Arguments arguments;
  EXPECT_EQ(parse_multipart(part("a", "1") + part("", "2") + kEnd, "b", {}, arguments),
            Refusal::kMalformedForm);
  EXPECT_THAT(pairs_of(arguments), ElementsAre(Pair("a", "1")));
}

TEST(MultipartForm, NoPrefixOfAFormIsAForm) {
  const std::string body = "preamble\r\n" + part("a", "1") + part("b", "2") + "--b--";
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_EQ(refusal_of(body.substr(0, size)), Refusal::kMalformedForm) << size;
  }
  EXPECT_EQ(refusal_of(body), Refusal::kNone);
}

TEST(MultipartForm, NearDelimitersTakeLinearTime) {
  const std::string boundary(70, 'b');
  const std::string near = "\r\n--" + boundary.substr(1) + "c";
  std::string value;
  while (value.size() < (std::size_t{4} << 20))
    value += near;
  const std::string start = "--" + boundary + "\r\n" + kDisposition + "\r\n\r\n";
  EXPECT_THAT(parse(start + value + "\r\n--" + boundary + "--", boundary), ElementsAre(Pair("n", value)));
  EXPECT_EQ(refusal_of(value, 0, boundary), Refusal::kMalformedForm);
}

}  // namespace
}  // namespace httpd::http
