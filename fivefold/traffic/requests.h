// Requests as they reach a service: from traces of real services, or drawn.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fivefold/base/units.h"

namespace fivefold {

struct Request {
  double arrival = 0;      // seconds from the start of the load; of a load in order, never negative
  std::int32_t input = 1;  // tokens of the prompt, 1 or more
  std::int32_t output = 1;  // tokens generated, 1 or more
  // The prompt's leading content by blocks of RequestLoad::block_tokens: equal ids are equal
  // content after equal content, so that their cache can be shared.
  std::uint32_t first_block = 0;  // into RequestLoad::block_ids
  std::uint32_t blocks = 0;
  std::int32_t tenant = 0;    // whose it is, from 0: for fairness
  std::int32_t priority = 0;  // lower is served first
  std::int32_t images = 0;    // in the prompt, before an encoder
};

struct RequestLoad {
  std::string name;  // "azure/conversation-2023", a file, or how it was drawn
  std::vector<Request> requests;
  std::vector<std::uint32_t> block_ids;  // dense, from 0
  std::int32_t block_tokens = 0;         // 0: contents unknown
  std::vector<std::string> tenants;      // names, if the trace gives them

  std::span<const std::uint32_t> blocks_of(const Request& r) const {
    return std::span(block_ids).subspan(r.first_block, r.blocks);
  }
  double span() const { return requests.empty() ? 0 : requests.back().arrival; }
};

}  // namespace fivefold
