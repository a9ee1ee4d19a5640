#include "fivefold/replay/match.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

#include <fmt/format.h>

namespace fivefold {
namespace {

constexpr std::array<std::string_view, 10> kCommTypes = {
    "all_reduce", "reduce",         "all_gather",           "gather", "scatter", "broadcast",
    "all_to_all", "reduce_scatter", "reduce_scatter_block", "barrier"};
constexpr int kBarrier = 9;

std::optional<Collective> collective_of(std::int64_t comm_type) {
  switch (comm_type) {
    case 0:
    case kBarrier:
      return Collective::kAllReduce;
    case 1:
      return Collective::kReduce;
    case 2:
      return Collective::kAllGather;
    case 5:
      return Collective::kBroadcast;
    case 6:
      return Collective::kAllToAll;
    case 7:
    case 8:
      return Collective::kReduceScatter;
    default:
      return std::nullopt;
  }
}

// Libraries make a barrier of an all-reduce of one value.
constexpr double kBarrierBytes = 4;

std::string list_of(const std::vector<int>& ranks) {
  std::string text;
  for (std::size_t i = 0; i < ranks.size() && i < 8; ++i) {
    text += fmt::format("{}{}", i > 0 ? ", " : "", ranks[i]);
  }
  return ranks.size() > 8 ? text + ", ..." : text;
}

class Matcher {
 public:
  Matcher(std::span<const Trace* const> traces, const Machine& machine, const RankGroups& groups)
      : traces_(traces), machine_(machine), groups_(groups), all_(traces.size()) {
    std::iota(all_.begin(), all_.end(), 0);
  }

  Result<Matches> run() {
    find_users();
    for (int rank = 0; rank < ranks(); ++rank) {
      const std::vector<TraceNode>& nodes = trace(rank).nodes;
      for (std::int32_t i = 0; i < std::int32_t(nodes.size()) && !full(); ++i) {
        const TraceNode& node = nodes[std::size_t(i)];
        if (node.type == TraceType::kCollective) take_collective(rank, i);
        if (node.type == TraceType::kSend || node.type == TraceType::kReceive) {
          take_message(rank, i);
        }
      }
    }
    if (problems_.empty()) join_collectives();
    if (problems_.empty()) join_messages();
    if (!problems_.empty()) return fail(Error{std::move(problems_)});
    return std::move(matches_);
  }

 private:
  struct Key {
    std::string name;
    std::vector<int> ranks;
    auto operator<=>(const Key&) const = default;
  };
  using Places = std::vector<std::pair<int, std::int32_t>>;  // rank and node

  int ranks() const { return int(traces_.size()); }
  const Trace& trace(int rank) const { return *traces_[std::size_t(rank)]; }
  const TraceNode& node(int rank, std::int32_t place) const {
    return trace(rank).nodes[std::size_t(place)];
  }
  bool full() const { return problems_.size() >= kMostProblems; }
  void problem(int rank, const std::string& what, const std::string& hint) {
    if (full()) return;
    Problem one;
    one.place.file = trace(rank).file;
    one.what = what;
    one.hint = hint;
    problems_.push_back(std::move(one));
  }

  // The ranks that use each name, for names that nobody lists.
  void find_users() {
    for (int rank = 0; rank < ranks(); ++rank) {
      for (const TraceNode& node : trace(rank).nodes) {
        if (node.type != TraceType::kCollective || node.group.empty()) continue;
        std::vector<int>& users = users_[node.group];
        if (users.empty() || users.back() != rank) users.push_back(rank);
      }
    }
  }

  const std::vector<int>* listed(int rank, const std::string& name) const {
    for (const RankGroups* groups : {&groups_, &trace(rank).groups}) {
      if (const auto found = groups->find(name); found != groups->end()) return &found->second;
    }
    return nullptr;
  }

  std::optional<Key> key_of(int rank, const TraceNode& node) {
    if (!node.group.empty()) return key_by_name(rank, node);
    const bool all = std::all_of(node.involved.begin(), node.involved.end(),
                                 [](bool involved) { return involved; });
    return all ? Key{"", all_} : key_by_dims(rank, node);
  }

  std::optional<Key> key_by_name(int rank, const TraceNode& node) {
    const std::vector<int>* members = listed(rank, node.group);
    if (members == nullptr) return Key{node.group, users_[node.group]};
    std::vector<int> sorted = *members;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
      problem(rank, fmt::format("group '{}' names a rank twice: {}", node.group, list_of(sorted)),
              "each rank once");
      return std::nullopt;
    }
    if (sorted.front() < 0 || sorted.back() >= ranks()) {
      problem(rank,
              fmt::format("group '{}' has rank {}, of {} ranks that have traces", node.group,
                          sorted.front() < 0 ? sorted.front() : sorted.back(), ranks()),
              "ranks count from 0, and each has its trace");
      return std::nullopt;
    }
    if (!std::binary_search(sorted.begin(), sorted.end(), rank)) {
      problem(rank,
              fmt::format("{} belongs to group '{}' of ranks {}, and rank {} is not in it",
                          describe(node), node.group, list_of(sorted), rank),
              "a rank takes part in the collectives of its own groups");
      return std::nullopt;
    }
    return Key{node.group, std::move(sorted)};
  }

  // Ranks whose places on the levels that are not involved are equal.
  std::optional<Key> key_by_dims(int rank, const TraceNode& node) {
    if (node.involved.size() < machine_.levels.size()) {
      problem(rank,
              fmt::format("{} has involved_dim for {} dimensions of a machine with {} levels",
                          describe(node), node.involved.size(), machine_.levels.size()),
              "one entry for each level, or process groups (pg_name)");
      return std::nullopt;
    }
    const auto place = [&](int one) {
      std::vector<int> fixed;
      int inside = 1;
      for (std::size_t i = 0; i < machine_.levels.size(); ++i) {
        const int size = std::max(inside, machine_.levels[i].size);
        if (!node.involved[i]) fixed.push_back(one % size / inside);
        inside = size;
      }
      return fixed;
    };
    const std::vector<int> own = place(rank);
    Key key;
    for (const bool involved : node.involved) key.name += involved ? '1' : '0';
    for (const int one : all_) {
      if (place(one) == own) key.ranks.push_back(one);
    }
    return key;
  }

  void take_collective(int rank, std::int32_t place) {
    const TraceNode& node = this->node(rank, place);
    if (!node.comm_type) {
      return problem(rank, fmt::format("{} is a collective without comm_type", describe(node)),
                     "which operation it is: 0 all_reduce, 2 all_gather, 6 all_to_all, ...; some "
                     "converters leave it out");
    }
    if (*node.comm_type >= std::int64_t(kCommTypes.size())) {
      return problem(
          rank, fmt::format("{} has the unknown comm_type {}", describe(node), *node.comm_type),
          "0 all_reduce to 9 barrier");
    }
    if (!collective_of(*node.comm_type)) {
      return problem(rank,
                     fmt::format("{} is a {}, which has no time here", describe(node),
                                 kCommTypes[std::size_t(*node.comm_type)]),
                     "write it as sends and receives");
    }
    if (!node.comm_size && *node.comm_type != kBarrier) {
      return problem(rank, fmt::format("{} is a collective without comm_size", describe(node)),
                     "the bytes that one rank puts in");
    }
    const int group = group_of_node(rank, node);
    if (group >= 0) groups_found_[std::size_t(group)].places.emplace_back(rank, place);
  }

  // Keys hold all their ranks: they are looked at once for each rank and name.
  int group_of_node(int rank, const TraceNode& node) {
    const auto [known, fresh] = known_.try_emplace(std::tuple(rank, node.group, node.involved), -1);
    if (!fresh) return known->second;
    auto key = key_of(rank, node);
    if (!key) return -1;
    const auto [number, first] = numbers_.try_emplace(*key, int(groups_found_.size()));
    if (first) groups_found_.push_back({*std::move(key), {}});
    return known->second = number->second;
  }

  void join_collectives() {
    for (const auto& [key, places] : groups_found_) {
      std::map<int, std::vector<std::int32_t>> of_rank;
      for (const auto& [rank, place] : places) of_rank[rank].push_back(place);
      const int first = key.ranks.front();
      std::int32_t before = -1;
      std::size_t most = 0;
      for (const int rank : key.ranks) most = std::max(most, of_rank[rank].size());
      for (std::size_t k = 0; k < most && !full(); ++k) {
        MatchedCollective matched;
        for (const int rank : key.ranks) {
          if (k >= of_rank[rank].size()) {
            report_missing(key, of_rank, rank, k);
            break;
          }
          matched.nodes.push_back(of_rank[rank][k]);
          if (rank != first && !agree(first, matched.nodes.front(), rank, of_rank[rank][k])) {
            return;
          }
        }
        if (!problems_.empty()) return;
        fill(matched, key, this->node(first, matched.nodes.front()));
        matched.before = before;
        before = std::int32_t(matches_.collectives.size());
        matches_.collectives.push_back(std::move(matched));
      }
    }
  }

  static void fill(MatchedCollective& matched, const Key& key, const TraceNode& node) {
    matched.collective = *collective_of(*node.comm_type);
    matched.ranks = key.ranks;
    double bytes = *node.comm_type == kBarrier ? kBarrierBytes : *node.comm_size;
    if (matched.collective == Collective::kAllGather) bytes *= double(key.ranks.size());
    matched.bytes = Bytes(bytes);
  }

  void report_missing(const Key& key, std::map<int, std::vector<std::int32_t>>& of_rank, int rank,
                      std::size_t k) {
    const auto has = std::find_if(key.ranks.begin(), key.ranks.end(),
                                  [&](int one) { return of_rank[one].size() > k; });
    problem(*has,
            fmt::format("{} is collective {} of {}, and rank {} has only {}",
                        describe(node(*has, of_rank[*has][k])), k + 1,
                        key.name.empty() ? "all ranks" : fmt::format("group '{}'", key.name), rank,
                        of_rank[rank].size()),
            "all ranks of a group run the same collectives, in the same order");
  }

  bool agree(int rank, std::int32_t place, int other_rank, std::int32_t other_place) {
    const TraceNode &one = node(rank, place), &other = node(other_rank, other_place);
    const auto text = [](const TraceNode& node) {
      return fmt::format("{} of {:.0f} bytes", kCommTypes[std::size_t(*node.comm_type)],
                         node.comm_size.value_or(0));
    };
    if (text(one) == text(other)) return true;
    problem(rank,
            fmt::format("{} is {}, and rank {} runs {}, {}, at the same time", describe(one),
                        text(one), other_rank, describe(other), text(other)),
            "all ranks of a group run the same collectives, in the same order");
    return false;
  }

  void take_message(int rank, std::int32_t place) {
    const TraceNode& node = this->node(rank, place);
    const bool sends = node.type == TraceType::kSend;
    const int peer = *node.peer;
    if (peer >= ranks() || peer == rank) {
      return problem(
          rank,
          fmt::format("{} {} rank {}, {}", describe(node), sends ? "sends to" : "receives from",
                      peer,
                      peer == rank ? "itself" : fmt::format("and there are {} traces", ranks())),
          "ranks count from 0, and each has its trace");
    }
    auto& [sent, received] =
        messages_[sends ? std::tuple(rank, peer, node.tag) : std::tuple(peer, rank, node.tag)];
    (sends ? sent : received).push_back(place);
  }

  void join_messages() {
    for (const auto& [key, places] : messages_) {
      const auto& [from, to, tag] = key;
      const auto& [sent, received] = places;
      if (sent.size() != received.size()) {
        report_unmatched(from, to, tag, sent, received);
        continue;
      }
      for (std::size_t i = 0; i < sent.size(); ++i) {
        const TraceNode &one = node(from, sent[i]), &other = node(to, received[i]);
        if (*one.comm_size != *other.comm_size) {
          problem(from,
                  fmt::format("{} sends {:.0f} bytes to rank {}, where {} takes {:.0f}",
                              describe(one), *one.comm_size, to, describe(other), *other.comm_size),
                  "a send and its receive have one comm_size");
        }
        matches_.messages.push_back({from, to, sent[i], received[i], Bytes(*one.comm_size)});
      }
    }
  }

  void report_unmatched(int from, int to, std::int64_t tag, const std::vector<std::int32_t>& sent,
                        const std::vector<std::int32_t>& received) {
    const bool more_sent = sent.size() > received.size();
    const int rank = more_sent ? from : to;
    const std::int32_t place = more_sent ? sent[received.size()] : received[sent.size()];
    problem(rank,
            fmt::format("{} has no {}: rank {} sends {} messages with tag {} to rank {}, which "
                        "receives {}",
                        describe(node(rank, place)), more_sent ? "receive" : "send", from,
                        sent.size(), tag, to, received.size()),
            "each send has a receive with its source, destination and tag");
  }

  std::span<const Trace* const> traces_;
  const Machine& machine_;
  const RankGroups& groups_;
  std::vector<int> all_;
  std::map<std::string, std::vector<int>> users_;
  struct Found {
    Key key;
    Places places;
  };
  std::vector<Found> groups_found_;
  std::map<Key, int> numbers_;
  std::map<std::tuple<int, std::string, std::vector<bool>>, int> known_;
  std::map<std::tuple<int, int, std::int64_t>,
           std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>>>
      messages_;
  Matches matches_;
  std::vector<Problem> problems_;
};

// Fanouts, if each block of a level holds equally many of the blocks inside; else nothing.
std::optional<Group> even_group(const Machine& machine, const std::vector<int>& ranks) {
  Group group;
  group.size = int(ranks.size());
  std::vector<int> inside = ranks;  // numbers of the blocks of the level inside, ascending
  int inside_size = 1;
  for (const Level& level : machine.levels) {
    std::vector<int> blocks;
    std::vector<int> count;
    for (const int block : inside) {
      const int own = block / std::max(1, level.size / inside_size);
      if (blocks.empty() || blocks.back() != own) {
        blocks.push_back(own);
        count.push_back(0);
      }
      ++count.back();
    }
    const bool last = &level == &machine.levels.back();
    if (last && blocks.size() > 1) {
      count.assign(1, int(inside.size()));
      blocks.assign(1, 0);
    }
    if (std::adjacent_find(count.begin(), count.end(), std::not_equal_to<>()) != count.end()) {
      return std::nullopt;
    }
    group.fanout.push_back(count.front());
    inside = std::move(blocks);
    inside_size = std::max(inside_size, level.size);
  }
  return group;
}

}  // namespace

Result<Matches> match(std::span<const Trace* const> traces, const Machine& machine,
                      const RankGroups& groups) {
  return Matcher(traces, machine, groups).run();
}

Group group_of(const Machine& machine, const std::vector<int>& ranks) {
  if (auto even = even_group(machine, ranks)) return *even;
  const int size = int(ranks.size());
  const int stride = size > 1 ? ranks[1] - ranks[0] : 1;
  bool strided = true;
  for (int i = 0; i < size; ++i) {
    strided = strided && ranks[std::size_t(i)] == ranks[0] + i * stride;
  }
  if (strided) return make_group(machine, size, stride);
  // Scattered unevenly: as if each were alone on the level that joins them.
  Group group;
  group.size = size;
  bool joined = false;
  for (const Level& level : machine.levels) {
    const bool last = &level == &machine.levels.back();
    const bool here = !joined && (last || ranks.front() / level.size == ranks.back() / level.size);
    group.fanout.push_back(here ? size : 1);
    joined = joined || here;
  }
  return group;
}

}  // namespace fivefold
