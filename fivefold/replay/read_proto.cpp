// The protobuf form: messages behind their lengths, the first one metadata, every other a node.
#include <limits>

#include <fmt/format.h>

#include "fivefold/replay/chakra.pb.h"
#include "fivefold/replay/raw_node.h"

namespace fivefold {
namespace {

constexpr const char* kForm =
    "a Chakra trace is messages behind their lengths: GlobalMetadata, then nodes";

// A base-128 varint; moves `at` behind it. False if the bytes end in it or it is longer than ten.
bool read_length(std::string_view bytes, std::size_t& at, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 70 && at < bytes.size(); shift += 7) {
    const auto byte = std::uint8_t(bytes[at++]);
    value |= std::uint64_t(byte & 0x7F) << (shift < 64 ? shift : 63);
    if (byte < 0x80) return true;
  }
  return false;
}

void take_attribute(const chakra::Attribute& attribute, RawNode& raw) {
  const std::string& name = attribute.name();
  const auto number = [&](auto value) { raw.numbers[name] = double(value); };
  switch (attribute.value_case()) {
    case chakra::Attribute::kDoubleValue:
      return number(attribute.double_value());
    case chakra::Attribute::kFloatValue:
      return number(attribute.float_value());
    case chakra::Attribute::kInt32Value:
      return number(attribute.int32_value());
    case chakra::Attribute::kInt64Value:
      return number(attribute.int64_value());
    case chakra::Attribute::kUint32Value:
      return number(attribute.uint32_value());
    case chakra::Attribute::kUint64Value:
      return number(attribute.uint64_value());
    case chakra::Attribute::kSint32Value:
      return number(attribute.sint32_value());
    case chakra::Attribute::kSint64Value:
      return number(attribute.sint64_value());
    case chakra::Attribute::kFixed32Value:
      return number(attribute.fixed32_value());
    case chakra::Attribute::kFixed64Value:
      return number(attribute.fixed64_value());
    case chakra::Attribute::kSfixed32Value:
      return number(attribute.sfixed32_value());
    case chakra::Attribute::kSfixed64Value:
      return number(attribute.sfixed64_value());
    case chakra::Attribute::kBoolValue:
      return number(attribute.bool_value() ? 1 : 0);
    case chakra::Attribute::kStringValue:
      raw.texts[name] = attribute.string_value();
      return;
    case chakra::Attribute::kBytesValue:
      raw.texts[name] = attribute.bytes_value();
      return;
    case chakra::Attribute::kBoolList:
      if (name == "involved_dim") {
        for (const bool value : attribute.bool_list().values()) raw.node.involved.push_back(value);
      }
      return;
    case chakra::Attribute::kInt32List:
    case chakra::Attribute::kInt64List:
    case chakra::Attribute::kUint32List:
    case chakra::Attribute::kUint64List:
    case chakra::Attribute::VALUE_NOT_SET:
      return;
  }
}

RawNode raw_node(const chakra::Node& from, std::size_t offset) {
  RawNode raw;
  raw.where = fmt::format("byte {}", offset);
  raw.type = from.type();
  raw.node.id = from.id();
  raw.node.name = from.name();
  raw.node.micros = double(from.duration_micros());
  raw.data_deps.assign(from.data_deps().begin(), from.data_deps().end());
  raw.ctrl_deps.assign(from.ctrl_deps().begin(), from.ctrl_deps().end());
  if (raw.type == int(TraceType::kMetadata)) raw.inputs = from.inputs().values();
  for (const chakra::Attribute& attribute : from.attr()) take_attribute(attribute, raw);
  return raw;
}

std::string version_of(const chakra::Metadata& metadata) {
  if (!metadata.version().empty()) return metadata.version();
  for (const chakra::Attribute& attribute : metadata.attr()) {
    if (attribute.name() == "schema") return attribute.string_value();
  }
  return {};
}

}  // namespace

Result<Trace> read_trace(std::string_view bytes, const std::string& file) {
  if (bytes.empty()) return fail("the trace is empty", kForm, {file, 0, 0});
  RawTrace raw;
  chakra::Node node;
  std::size_t at = 0;
  for (std::size_t message = 0; at < bytes.size(); ++message) {
    const std::size_t start = at;
    std::uint64_t length = 0;
    if (!read_length(bytes, at, length)) {
      return fail(fmt::format("byte {}: no length of a message stands here", start),
                  bytes.size() - start < 10 ? "is the trace cut off?" : kForm, {file, 0, 0});
    }
    if (length > bytes.size() - at) {
      return fail(fmt::format("byte {}: a message of {} bytes, of which {} are there", start,
                              length, bytes.size() - at),
                  message == 0 ? kForm : "is the trace cut off?", {file, 0, 0});
    }
    const std::string_view body = bytes.substr(at, std::size_t(length));
    at += std::size_t(length);
    const bool fits = body.size() <= std::size_t(std::numeric_limits<int>::max());
    if (message == 0) {
      chakra::Metadata metadata;
      if (!fits || !metadata.ParseFromArray(body.data(), int(body.size())) ||
          (!body.empty() && version_of(metadata).empty())) {
        return fail("byte 0: the first message is not the metadata of a trace", kForm,
                    {file, 0, 0});
      }
      raw.version = version_of(metadata);
      continue;
    }
    if (!fits || !node.ParseFromArray(body.data(), int(body.size()))) {
      return fail(fmt::format("byte {}: message {} is no node", start, message), kForm,
                  {file, 0, 0});
    }
    raw.nodes.push_back(raw_node(node, start));
  }
  return check_trace(std::move(raw), file, {});
}

}  // namespace fivefold
