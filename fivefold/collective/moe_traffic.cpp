#include "fivefold/collective/moe_traffic.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "fivefold/base/random.h"

namespace fivefold {
namespace {

// Draws different experts by popularity, from those that are allowed.
class ExpertDraw {
 public:
  ExpertDraw(const MoeExchange& exchange, const MoeRouting& routing)
      : experts_(int(exchange.experts)), topk_(std::min(int(exchange.topk), experts_)) {
    // Popularity belongs to places in an order of the experts that is drawn once.
    std::vector<int> place(std::size_t(experts_), 0);
    std::iota(place.begin(), place.end(), 0);
    Random random(routing.seed, "expert popularity");
    for (std::size_t i = place.size() - 1; i > 0; --i) {
      std::swap(place[i], place[random.below(std::uint32_t(i + 1))]);
    }
    sums_.push_back(0);
    for (int expert = 0; expert < experts_; ++expert) {
      const double share = std::pow(1.0 + place[std::size_t(expert)], -routing.skew);
      sums_.push_back(sums_.back() + share);
    }
  }

  // `nodes` 0: from all; else from that many nodes, drawn by the popularity of their experts.
  void draw(Random& random, int nodes, int node_experts, std::vector<int>& chosen) {
    chosen.clear();
    allowed_.clear();
    if (nodes > 0) {
      while (int(allowed_.size()) < nodes) {
        const int node = one(random) / node_experts;
        if (std::find(allowed_.begin(), allowed_.end(), node) == allowed_.end())
          allowed_.push_back(node);
      }
    }
    while (int(chosen.size()) < topk_) {
      const int expert = one(random);
      const bool there = nodes == 0 || std::find(allowed_.begin(), allowed_.end(),
                                                 expert / node_experts) != allowed_.end();
      if (there && std::find(chosen.begin(), chosen.end(), expert) == chosen.end())
        chosen.push_back(expert);
    }
  }

 private:
  int one(Random& random) const {
    const double at = random.uniform() * sums_.back();
    const auto after = std::upper_bound(sums_.begin() + 1, sums_.end(), at);
    return std::min(int(after - sums_.begin()) - 1, experts_ - 1);
  }
  int experts_, topk_;
  std::vector<double> sums_;  // of popularity up to each expert
  std::vector<int> allowed_;
};

// Copies from each rank to each other, kept sparse.
class Copies {
 public:
  explicit Copies(int ranks) : to_(std::size_t(ranks)) {}
  void add(int from, int to, double copies) { to_[std::size_t(from)].push_back({to, -1, copies}); }
  void sum_up() {
    for (std::vector<Message>& messages : to_) {
      std::sort(messages.begin(), messages.end(),
                [](const Message& a, const Message& b) { return a.to < b.to; });
      std::size_t kept = 0;
      for (std::size_t i = 0; i < messages.size(); ++i) {
        if (kept > 0 && messages[kept - 1].to == messages[i].to) {
          messages[kept - 1].bytes += messages[i].bytes;
        } else {
          messages[kept++] = messages[i];
        }
      }
      messages.resize(kept);
    }
  }
  std::vector<std::vector<Message>>& lists() { return to_; }

 private:
  std::vector<std::vector<Message>> to_;  // bytes: copies as yet
};

void add_token(const std::vector<int>& experts, int per_rank, int from, int block, bool copy_each,
               double stands_for, std::vector<int>& ranks, Copies& copies) {
  ranks.clear();
  for (const int expert : experts) ranks.push_back(expert / per_rank);
  if (!copy_each) {
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  }
  int last_node = -1;
  for (const int rank : ranks) {
    if (block <= 0 || rank / block == from / block) {
      copies.add(from, rank, stands_for);
      continue;
    }
    const int gate = rank / block * block + from % block;
    if (rank / block != last_node) copies.add(from, gate, stands_for);
    last_node = rank / block;
    if (rank != gate) copies.add(gate, rank, stands_for);
  }
}

}  // namespace

MoeTraffic draw_traffic(const MoeExchange& exchange, int ranks, int block,
                        const MoeRouting& routing) {
  const int experts = int(exchange.experts);
  const int per_rank = std::max(1, (experts + ranks - 1) / ranks);
  const double most = std::max(1.0, std::floor(kMostDraws / ranks));
  const int drawn = int(std::min(std::ceil(exchange.tokens), most));
  const double stands_for = exchange.tokens / drawn;
  const int node_experts = std::max(1, (block > 0 ? block : 1) * per_rank);
  const int node_count = (experts + node_experts - 1) / node_experts;
  const int nodes = exchange.nodes_limit > 0 && exchange.nodes_limit < node_count
                        ? std::max(1, int(exchange.nodes_limit))
                        : 0;
  ExpertDraw draw(exchange, routing);
  Copies copies(ranks);
  std::vector<double> received(std::size_t(experts), 0.0);
  std::vector<int> chosen, reached;
  for (int rank = 0; rank < ranks; ++rank) {
    Random random(routing.seed, "tokens of a rank", std::uint64_t(rank));
    for (int token = 0; token < drawn; ++token) {
      draw.draw(random, nodes, node_experts, chosen);
      for (const int expert : chosen) received[std::size_t(expert)] += stands_for;
      add_token(chosen, per_rank, rank, exchange.low_latency ? 0 : block, exchange.low_latency,
                stands_for, reached, copies);
    }
  }
  copies.sum_up();
  MoeTraffic traffic;
  traffic.busiest_expert = *std::max_element(received.begin(), received.end());
  auto lists = std::make_shared<std::vector<std::vector<Message>>>(std::size_t(ranks));
  std::vector<double> entering(std::size_t(ranks), 0.0);
  double all = 0;
  for (int from = 0; from < ranks; ++from) {
    for (const Message& message : copies.lists()[std::size_t(from)]) {
      if (message.to == from) continue;
      const double bytes = message.bytes * exchange.bytes_per_token.value();
      const int sender = exchange.combine ? message.to : from;
      const int receiver = exchange.combine ? from : message.to;
      (*lists)[std::size_t(sender)].push_back({.to = receiver, .bytes = bytes});
      entering[std::size_t(receiver)] += bytes;
      all += bytes;
      ++traffic.messages;
    }
  }
  traffic.busiest_receiver =
      all > 0 ? *std::max_element(entering.begin(), entering.end()) / (all / ranks) : 1;
  traffic.rounds.push_back({.messages =
                                [lists](int rank, std::vector<Message>& messages) {
                                  messages = (*lists)[std::size_t(rank)];
                                },
                            .alike = 0});
  return traffic;
}

}  // namespace fivefold
