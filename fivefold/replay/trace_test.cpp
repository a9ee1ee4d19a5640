#include "fivefold/replay/trace.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "fivefold/replay/trace_writer_test.h"

namespace fivefold {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kShared = std::string(FIVEFOLD_SHARED_DIR) + "/data/chakra/";

std::string refusal(const std::string& bytes) {
  const auto trace = read_trace(bytes, "t.0.et");
  return trace ? "accepted" : to_text(trace.error());
}

TEST(ReadTrace, takes_nodes_in_the_order_in_which_they_can_run) {
  const std::vector<WrittenNode> nodes = {compute_node(7, 5, {3}), compute_node(3, 1, {9}),
                                          compute_node(9, 2), compute_node(4, 2),
                                          collective_node(0, 7, 4096, {4, 7})};
  for (const bool packed : {true, false}) {
    const auto trace = read_trace(written_trace(nodes, packed), "t.0.et");
    ASSERT_TRUE(trace) << to_text(trace.error());
    std::vector<std::uint64_t> ids;
    for (const TraceNode& node : trace->nodes) ids.push_back(node.id);
    EXPECT_THAT(ids, ElementsAre(4, 9, 3, 7, 0));
    EXPECT_THAT(trace->nodes[3].needs, ElementsAre(2));
    EXPECT_THAT(trace->nodes[4].needs, ElementsAre(0, 3));
    EXPECT_EQ(trace->nodes[3].micros, 5);
    EXPECT_EQ(trace->nodes[4].type, TraceType::kCollective);
    EXPECT_EQ(trace->nodes[4].comm_type, 7);
    EXPECT_EQ(trace->nodes[4].comm_size, 4096);
    EXPECT_EQ(trace->version, "0.0.4");
  }
}

TEST(ReadTrace, an_integer_attribute_may_be_of_any_type) {
  for (const int field : {7, 9, 11, 13}) {
    WrittenNode node{.id = 1, .type = 7};
    node.attributes = attribute("comm_type", 0, field) + attribute("comm_size", 1 << 20, field);
    const auto trace = read_trace(written_trace({node}), "t.0.et");
    ASSERT_TRUE(trace) << to_text(trace.error());
    EXPECT_EQ(trace->nodes[0].comm_size, 1 << 20) << field;
  }
}

TEST(ReadTrace, a_version_may_stand_in_the_attribute_schema) {
  const std::string schema =
      bytes_field(2, bytes_field(1, "schema") + bytes_field(29, "1.0.2-chakra.0.0.4"));
  const auto trace = read_trace(message(schema) + written_node(compute_node(0, 1)), "t.0.et");
  ASSERT_TRUE(trace) << to_text(trace.error());
  EXPECT_EQ(trace->version, "1.0.2-chakra.0.0.4");
}

// They name parents that the converter dropped, and lie in circles with data_deps.
TEST(ReadTrace, control_dependencies_of_pytorch_traces_are_the_tree_of_calls) {
  WrittenNode host = compute_node(5, 1);
  host.attributes = attribute("rf_id", 5) + attribute("is_cpu_op", 1, 27);
  host.ctrl_deps = {6, 99};
  WrittenNode kernel = compute_node(6, 1, {5});
  kernel.ctrl_deps = {98, 99};
  const auto trace = read_trace(written_trace({host, kernel}), "t.0.et");
  ASSERT_TRUE(trace) << to_text(trace.error());
  EXPECT_TRUE(trace->call_tree);
  EXPECT_TRUE(trace->nodes[0].host);
  EXPECT_EQ(trace->dropped_parents, 2u);
  EXPECT_THAT(trace->nodes[1].needs, ElementsAre(0));
}

TEST(ReadTrace, elsewhere_a_control_dependency_is_waited_for) {
  WrittenNode second = compute_node(1, 1);
  second.ctrl_deps = {2};
  const auto trace = read_trace(written_trace({second, compute_node(2, 1)}), "t.0.et");
  ASSERT_TRUE(trace) << to_text(trace.error());
  EXPECT_EQ(trace->nodes[0].id, 2u);
  EXPECT_EQ(refusal(written_trace({second})),
            "t.0.et: byte 8: node 1 'n1' needs node 2, which is not in the trace (ctrl_deps name "
            "nodes of the same file)");
}

TEST(ReadTrace, the_host_s_call_of_a_collective_is_work_of_the_host) {
  WrittenNode call{.id = 1, .type = 7, .micros = 85, .attributes = attribute("is_cpu_op", 1, 27)};
  const auto trace = read_trace(written_trace({call}), "t.0.et");
  ASSERT_TRUE(trace) << to_text(trace.error());
  EXPECT_EQ(trace->nodes[0].type, TraceType::kCompute);
  EXPECT_TRUE(trace->nodes[0].host);
}

TEST(ReadTrace, reads_the_process_groups_that_pytorch_lists) {
  WrittenNode node{.id = 1, .type = 1, .name = "## process_group:init ##"};
  node.attributes = bytes_field(
      8,
      bytes_field(1, R"(['[{"pg_name": "0", "ranks": []}, {"pg_name": "3", "ranks": [0, 2]}]'])"));
  const auto trace = read_trace(written_trace({node}), "t.0.et");
  ASSERT_TRUE(trace) << to_text(trace.error());
  EXPECT_THAT(trace->groups, ElementsAre(testing::Pair("3", ElementsAre(0, 2))));
}

TEST(ReadTrace, says_what_is_wrong_and_where) {
  const std::string good = written_trace({compute_node(1, 1), compute_node(2, 1, {1})});
  EXPECT_THAT(refusal(""), HasSubstr("t.0.et: the trace is empty"));
  EXPECT_THAT(
      refusal(good.substr(0, good.size() - 3)),
      HasSubstr("byte 19: a message of 13 bytes, of which 10 are there (is the trace cut off?)"));
  EXPECT_THAT(refusal(good + '\x80'), HasSubstr("no length of a message"));
  EXPECT_THAT(refusal("digraph { a -> b }"), HasSubstr("a Chakra trace is messages behind"));
  EXPECT_THAT(refusal(written_node(compute_node(1, 1))), HasSubstr("not the metadata of a trace"));
  EXPECT_THAT(refusal(good + message("\x0A\xFF\xFF")), HasSubstr("message 3 is no node"));
  WrittenNode unknown{.id = 4, .type = 12};
  EXPECT_THAT(refusal(good + written_node(unknown)),
              HasSubstr("node 4 'n4' has the unknown type 12"));
  unknown.type = 0;
  EXPECT_THAT(refusal(good + written_node(unknown)), HasSubstr("has the unknown type 0"));
  EXPECT_THAT(refusal(written_trace({compute_node(1, 1, {7})})),
              HasSubstr("node 1 'n1' needs node 7, which is not in the trace (data_deps"));
  EXPECT_THAT(refusal(written_trace({compute_node(1, 1), compute_node(1, 2)})),
              HasSubstr("byte 19: node 1 'n1' has the id of node 1 'n1' at byte 8"));
  EXPECT_THAT(refusal(written_trace({compute_node(1, 1, {1})})),
              HasSubstr("node 1 'n1' needs node 1 'n1': a circle"));
  EXPECT_THAT(refusal(written_trace({compute_node(1, 1, {3}), compute_node(2, 1, {1}),
                                     compute_node(3, 1, {2}), compute_node(4, 1, {3})})),
              HasSubstr("needs node 3 'n3', which needs node 2 'n2', which needs node 1 'n1': a "
                        "circle"));
  WrittenNode send{.id = 1, .type = 5};
  EXPECT_THAT(refusal(written_trace({send})), HasSubstr("is a send without comm_dst"));
  EXPECT_THAT(refusal(written_trace({message_node(1, true, -3, 8)})), HasSubstr("has comm_dst -3"));
  EXPECT_THAT(refusal(written_trace({collective_node(1, 0, std::uint64_t(-8))})),
              HasSubstr("has comm_size -8"));
}

TEST(ReadTrace, reports_all_problems_of_a_file_but_not_without_end) {
  std::vector<WrittenNode> nodes;
  for (std::uint64_t id = 1; id <= 100; ++id) nodes.push_back(compute_node(id, 1, {id + 1000}));
  const auto trace = read_trace(written_trace(nodes), "t.0.et");
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().problems.size(), kMostProblems);
}

// Every cut of a file but between messages is noticed; none crashes.
TEST(ReadTrace, a_cut_file_is_an_error) {
  const std::string good = written_trace({compute_node(1, 1), collective_node(2, 0, 4096, {1})});
  int accepted = 0;
  for (std::size_t length = 0; length < good.size(); ++length) {
    accepted += read_trace(good.substr(0, length), "t.0.et") ? 1 : 0;
  }
  EXPECT_EQ(accepted, 2);  // after the metadata, and after the first node
}

TEST(ReadTrace, bytes_at_random_never_do_harm) {
  std::mt19937 random(5);
  const std::string good = written_trace({compute_node(1, 1), collective_node(2, 0, 4096, {1})});
  for (int run = 0; run < 20000; ++run) {
    std::string bytes = good;
    for (int change = 0; change < 3; ++change) bytes[random() % bytes.size()] = char(random());
    const auto trace = read_trace(bytes, "t.0.et");
    EXPECT_TRUE(trace || !trace.error().problems.empty());
  }
}

TEST(JsonTrace, reads_keys_in_any_case_and_form) {
  const auto trace = read_json_trace(
      R"({"workload_graph": [{"Id": 2, "Name": "a", "NodeType": 4, "ctrlDeps": [], "data_deps": [],
          "runtime": 7, "is_cpu_op": true},
         {"id": 3, "name": "b", "node_type": 7, "dataDeps": [2], "commType": 0, "comm_size": 64,
          "is_cpu_op": false, "pg_name": "tp"}]})",
      "t.0.json");
  ASSERT_TRUE(trace) << to_text(trace.error());
  EXPECT_TRUE(trace->nodes[0].host);
  EXPECT_EQ(trace->nodes[0].micros, 7);
  EXPECT_EQ(trace->nodes[1].comm_size, 64);
  EXPECT_EQ(trace->nodes[1].group, "tp");
}

TEST(JsonTrace, says_what_is_wrong) {
  const auto error = [](const char* text) {
    const auto trace = read_json_trace(text, "t.0.json");
    return trace ? std::string("accepted") : to_text(trace.error());
  };
  EXPECT_THAT(error("{"), HasSubstr("t.0.json: no JSON"));
  EXPECT_THAT(error("[]"), HasSubstr("no list workload_graph"));
  EXPECT_THAT(error(R"({"workload_graph": [3]})"),
              HasSubstr("node 0 of workload_graph: no object"));
  EXPECT_THAT(error(R"({"workload_graph": [{"NodeType": 4}]})"), HasSubstr("no Id"));
  EXPECT_THAT(error(R"({"workload_graph": [{"Id": -1, "NodeType": 4}]})"), HasSubstr("Id"));
  EXPECT_THAT(error(R"({"workload_graph": [{"Id": 1, "NodeType": "x"}]})"), HasSubstr("NodeType"));
}

TEST(LoadTraces, one_file_a_rank) {
  const TraceFolder folder("load_traces");
  const std::string bytes = written_trace({compute_node(1, 1)});
  const std::string prefix = folder.file("step");
  const auto error = [&](int ranks = 0) {
    const auto traces = load_traces(prefix, ranks);
    return traces ? std::string("accepted") : to_text(traces.error());
  };
  EXPECT_THAT(error(), HasSubstr("step.<rank>.et"));
  for (const char* rank : {"0", "1", "3"}) folder.put(std::string("step.") + rank + ".et", bytes);
  folder.put("step.x.et", "not one of them");
  folder.put("step2.7.et", "nor this");
  EXPECT_THAT(error(), HasSubstr("no trace of rank 2 (3 of 4 are there)"));
  const gzFile packed = gzopen(folder.file("step.2.et.gz").c_str(), "wb");
  gzwrite(packed, bytes.data(), unsigned(bytes.size()));
  gzclose(packed);
  EXPECT_EQ(error(), "accepted");
  EXPECT_EQ(error(4), "accepted");
  EXPECT_THAT(error(6), HasSubstr("no trace of ranks 4, 5 (4 of 6 are there)"));
  EXPECT_THAT(error(3), HasSubstr("4 traces for 3 ranks"));
  folder.put("step.2.et", bytes);
  EXPECT_THAT(error(), HasSubstr("two traces of rank 2"));
}

TEST(LoadTraces, a_hint_names_what_is_there) {
  const TraceFolder folder("load_hint");
  folder.put("step.0.et", written_trace({compute_node(1, 1)}));
  const auto traces = load_traces(folder.file("stop"));
  ASSERT_FALSE(traces);
  EXPECT_THAT(to_text(traces.error()), HasSubstr("step"));
  const auto whole = load_traces(folder.file(""));
  ASSERT_FALSE(whole);
  EXPECT_THAT(to_text(whole.error()), HasSubstr("step"));
}

TEST(LoadTraces, reads_what_others_wrote) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << "no " << kShared;
  const auto reduce = load_traces(kShared + "microbench/all_reduce_8npus_1MB/all_reduce");
  ASSERT_TRUE(reduce) << to_text(reduce.error());
  EXPECT_EQ(reduce->size(), 8u);
  EXPECT_EQ(reduce->front().nodes.front().comm_size, 1 << 20);
  const auto ring = load_traces(kShared + "custom_ring_allreduce_8npus_1MB/custom_allreduce", 8);
  ASSERT_TRUE(ring) << to_text(ring.error());
  EXPECT_EQ(ring->front().nodes.size(), 35u);
  EXPECT_EQ(ring->front().version, "1.0.2-chakra.0.0.4");
  const auto torch = load_trace(kShared + "pytorch_feeder_chakra.0.et.gz");
  ASSERT_TRUE(torch) << to_text(torch.error());
  EXPECT_EQ(torch->nodes.size(), 3664u);
  EXPECT_EQ(torch->dropped_parents, 210u);
  EXPECT_TRUE(torch->call_tree);
  const auto collectives =
      std::count_if(torch->nodes.begin(), torch->nodes.end(),
                    [](const TraceNode& node) { return node.type == TraceType::kCollective; });
  EXPECT_EQ(collectives, 7);  // and 14 calls on the host
  const auto small = load_trace(kShared + "small_chakra.0.json");
  EXPECT_TRUE(small) << to_text(small.error());
}

TEST(Groups, are_read_as_astra_sim_takes_them) {
  const auto groups = read_groups(R"({"0": [0, 1], "1": [2, 3]})", "g.json");
  ASSERT_TRUE(groups);
  EXPECT_THAT(*groups, ElementsAre(testing::Pair("0", ElementsAre(0, 1)),
                                   testing::Pair("1", ElementsAre(2, 3))));
  for (const char* bad : {"", "[]", R"({"0": []})", R"({"0": [-1]})", R"({"0": 3})"}) {
    EXPECT_FALSE(read_groups(bad, "g.json")) << bad;
  }
}

}  // namespace
}  // namespace fivefold
