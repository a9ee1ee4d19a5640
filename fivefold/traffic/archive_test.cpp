// Packed traces, whole and broken.
#include <filesystem>
#include <fstream>

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>

#include "fivefold/traffic/traffic.h"

namespace fivefold {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const std::string kOwn = "arrival_s,input_tokens,output_tokens\n0,5,1\n1,6,2\n";
const std::string kTrace = "0,0,0,,0,0\n600,2,1.5,Gamma,0.4444,1.125\n1200,3,0.5,Weibull,2.1,0.3\n";
const std::string kDataset =
    R"({"0": {"input_tokens": "{}", "output_tokens": "{}"},
  "600": {"input_tokens": "{10: 0.25, 20: 0.75}", "output_tokens": "{5: 1.0}"}})";

class Packed : public testing::Test {
 protected:
  Packed() {
    folder_ =
        fs::temp_directory_path() / ("fivefold_traffic_" + std::to_string(::getpid()) +
                                     testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
  }
  ~Packed() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  static std::string bytes(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // One member of no name: no archive, only compressed.
  std::string pack(const std::string& name, const std::string& filter,
                   const std::vector<std::pair<std::string, std::string>>& members) const {
    archive* out = archive_write_new();
    if (filter != "none") archive_write_add_filter_by_name(out, filter.c_str());
    const bool raw = members.front().first.empty();
    raw ? archive_write_set_format_raw(out) : archive_write_set_format_pax_restricted(out);
    archive_write_open_filename(out, path(name).c_str());
    for (const auto& [member, text] : members) {
      archive_entry* entry = archive_entry_new();
      archive_entry_set_pathname(entry, raw ? "x" : member.c_str());
      archive_entry_set_filetype(entry, AE_IFREG);
      archive_entry_set_perm(entry, 0644);
      archive_entry_set_size(entry, la_int64_t(text.size()));
      archive_write_header(out, entry);
      archive_write_data(out, text.data(), text.size());
      archive_entry_free(entry);
    }
    archive_write_free(out);
    return path(name);
  }
  static std::string message(const std::string& file) {
    const auto load = read_load(file);
    return load ? "read" : to_text(load.error());
  }

  fs::path folder_;
};

TEST_F(Packed, ReadsPlainCompressedAndArchived) {
  for (const std::string& file :
       {write("plain.csv", kOwn), pack("a.csv.gz", "gzip", {{"", kOwn}}),
        pack("a.csv.xz", "xz", {{"", kOwn}}), pack("a.tar", "none", {{"in/a.csv", kOwn}}),
        pack("a.tar.xz", "xz", {{"a.csv", kOwn}})}) {
    const auto load = read_load(file);
    ASSERT_TRUE(load) << to_text(load.error());
    EXPECT_EQ(load->load.requests.size(), 2u) << file;
    EXPECT_EQ(load->load.requests[1].input, 6);
  }
}

TEST_F(Packed, SaysWhatIsBroken) {
  EXPECT_THAT(message(path("none.csv")), HasSubstr("No such file"));
  EXPECT_THAT(message(write("empty.csv", "")), HasSubstr("the file is empty"));
  EXPECT_THAT(message(pack("empty.csv.gz", "gzip", {{"", ""}})), HasSubstr("empty"));
  std::string many = "arrival_s,input_tokens,output_tokens\n";
  for (int i = 0; i < 5000; ++i)
    many += std::to_string(i) + ",5," + std::to_string(i % 37 + 1) + "\n";
  for (const char* filter : {"gzip", "xz"}) {
    const std::string whole = bytes(pack("cut", filter, {{"", many}}));
    EXPECT_THAT(message(write("cut", whole.substr(0, whole.size() / 2))),
                HasSubstr("cannot be unpacked"))
        << filter;
    const std::string tar = bytes(pack("cut.tar", filter, {{"a.csv", many}}));
    EXPECT_THAT(message(write("cut.tar", tar.substr(0, tar.size() / 2))),
                HasSubstr("cannot be unpacked"))
        << filter;
  }
  const std::string tar = bytes(pack("a.tar", "none", {{"a.csv", many}}));
  EXPECT_THAT(message(write("a.tar", tar.substr(0, 4000))), HasSubstr("cannot be unpacked"));
  EXPECT_THAT(message(write("g.bin", std::string("\x01\x02\xff\x00garbage", 11))),
              HasSubstr("is not text"));
  EXPECT_THAT(message(pack("two.tar", "none", {{"a.csv", kOwn}, {"b.csv", kOwn}})),
              HasSubstr("holds 2 files, such as a.csv and b.csv"));
  EXPECT_THAT(message(folder_.string()), HasSubstr("is a folder without clients"));
}

TEST_F(Packed, ServeGenFromFolderOrArchive) {
  const std::string archive = pack(
      "s.tar.xz", "xz", {{"m/chunk-3-trace.csv", kTrace}, {"m/chunk-3-dataset.json", kDataset}});
  const ReadOptions options{.seconds = 1200, .begin = 600};
  const auto packed = read_load(archive, options);
  ASSERT_TRUE(packed) << to_text(packed.error());
  EXPECT_EQ(packed->form, "servegen");
  EXPECT_THAT(packed->load.tenants, testing::ElementsAre("chunk-3"));
  // 1200 of the first window and 1800 of the second; a gap's cv of 1.5 spreads the first by 52.
  EXPECT_NEAR(double(packed->load.requests.size()), 3000, 300);
  for (const Request& request : packed->load.requests) {
    EXPECT_TRUE(request.input == 10 || request.input == 20);
    EXPECT_EQ(request.output, 5);
  }
  EXPECT_NEAR(summarise(packed->load).input_mean, 17.5, 0.4);
  fs::create_directories(folder_ / "m");
  write("m/chunk-3-trace.csv", kTrace);
  write("m/chunk-3-dataset.json", kDataset);
  const auto folder = read_load(path("m"), options);
  ASSERT_TRUE(folder) << to_text(folder.error());
  ASSERT_EQ(folder->load.requests.size(), packed->load.requests.size());
  EXPECT_EQ(folder->load.span(), packed->load.span());
}

TEST_F(Packed, ServeGenMistakes) {
  const auto of = [&](const std::string& trace, const std::string& dataset,
                      const ReadOptions& options = {.seconds = 1800}) {
    const auto load =
        read_load(pack("s.tar", "none",
                       {{"m/chunk-0-trace.csv", trace}, {"m/chunk-0-dataset.json", dataset}}),
                  options);
    return load ? "read" : to_text(load.error());
  };
  EXPECT_EQ(of(kTrace, kDataset), "read");
  EXPECT_THAT(of(kTrace, kDataset, {.seconds = 600}), HasSubstr("no client sends"));
  EXPECT_THAT(of(kTrace, kDataset, {.seconds = 2000}), HasSubstr("the trace ends at 1800 s"));
  EXPECT_THAT(of("0,1\n", kDataset), HasSubstr("'0,1' is not a window of a client"));
  EXPECT_THAT(of("0,1,1,Pareto,1,1\n", kDataset), HasSubstr("is not a pattern of arrivals"));
  EXPECT_THAT(of("0,1,1,Weibull,0.001,1\n", kDataset), HasSubstr("of a spread that can be"));
  EXPECT_THAT(of("0,1e300,1,,0,0\n600,1,1,,0,0\n1200,1,1,,0,0\n", kDataset),
              HasSubstr("requests would be drawn"));
  EXPECT_THAT(of(kTrace, "{"), HasSubstr("is not a JSON object"));
  EXPECT_THAT(of(kTrace, "{}"), HasSubstr("no lengths, and yet requests"));
  EXPECT_THAT(of(kTrace, R"({"0": {"input_tokens": "{1: x}", "output_tokens": "{}"}})"),
              HasSubstr("is not a histogram"));
  EXPECT_THAT(message(pack("one.tar", "none", {{"chunk-0-trace.csv", kTrace}})),
              HasSubstr("no chunk-0-dataset.json"));
}

}  // namespace
}  // namespace fivefold
