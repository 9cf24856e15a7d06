#include "consumers/notary/notary.h"

#include <algorithm>

namespace tenure {
namespace {

constexpr size_t kFlushBytes = 1u << 20;

std::string heads_path(const NotaryOptions& options) { return options.directory + "/heads"; }
std::string tree_path(const NotaryOptions& options) { return options.directory + "/tree"; }

Result<std::unique_ptr<File>> open_or_make(FileSystem& files, const std::string& path) {
  auto file = files.open(path, OpenMode::kReadWrite);
  if (file || file.error().kind != ErrorKind::kNotFound) return file;
  return files.open(path, OpenMode::kCreateNew);
}

}  // namespace

Result<std::unique_ptr<Notary>> Notary::open(DecisionLog& log, PartitionId partition,
                                             const SigningKey& key, NotaryOptions options) {
  const std::string id = TRY(log.log_id(partition));
  if (id.empty()) return fail(ErrorKind::kNotFound, "the partition has no claim yet");
  std::unique_ptr<Notary> notary(new Notary(log, partition, key, std::move(options)));
  notary->origin_ = origin_of(id, partition);
  TRY(notary->load());
  return notary;
}

Result<void> Notary::load() {
  FileSystem& files = *options_.files;
  TRY(files.create_directory(options_.directory));
  heads_ = TRY(open_or_make(files, heads_path(options_)));
  const std::string text = TRY(read_heads(0, TRY(heads_->size())));
  size_t torn = text.size();
  auto heads = TRY(parse_heads(text, &torn));
  if (torn < text.size()) TRY(heads_->truncate(torn));
  for (const SignedHead& head : heads) {
    places_.push_back({head.checkpoint.size, heads_bytes_});
    heads_bytes_ += head.note().size();
    if (head.checkpoint.origin == origin_) continue;
    return fail(ErrorKind::kCorrupt, heads_path(options_) + " holds heads of " +
                                         head.checkpoint.origin + ", but the log is " + origin_ +
                                         "; move that directory away to begin anew");
  }
  if (!heads.empty()) {
    latest_ = heads.back();
    signed_at_ = latest_->checkpoint.time.value_or(Time{});
    const Result<void> resumed = resume_from(*latest_);
    if (resumed || resumed.error().kind != ErrorKind::kNotFound) return resumed;
    to_meet_ = std::move(heads);
    being_remade_ = true;
  }
  return start_over();
}

// kNotFound: the tree's file is not what the head was signed for, so it has to be made again.
Result<void> Notary::resume_from(const SignedHead& head) {
  const uint64_t size = head.checkpoint.size;
  tree_ =
      std::make_unique<TreeFile>(TRY(TreeFile::open(*options_.files, tree_path(options_), size)));
  const auto unfit = [] { return fail(ErrorKind::kNotFound, "the tree does not fit the head"); };
  if (TRY(tree_->leaves()) != size) return unfit();
  frontier_ = TRY(tree_frontier(*tree_, size));
  if (frontier_.root(hasher_) != head.checkpoint.root) return unfit();
  auto subscription = LogSubscription::open(log_, partition_, Number{size - 1});
  if (!subscription && (subscription.error().kind == ErrorKind::kNotFound ||
                        subscription.error().kind == ErrorKind::kCorrupt)) {
    return differs(head, "it ends before");
  }
  subscription_ = TRY(std::move(subscription));
  const auto last = TRY(subscription_->next());
  if (!last) return differs(head, "it ends before");
  if (hasher_.leaf(last->bytes) != TRY(tree_->node(0, size - 1))) {
    return differs(head, "its decision " + std::to_string(size - 1) + " is another one");
  }
  return {};
}

Result<void> Notary::start_over() {
  tree_ = std::make_unique<TreeFile>(TRY(TreeFile::open(*options_.files, tree_path(options_), 0)));
  TRY(options_.files->sync_directory(options_.directory));
  frontier_ = {};
  subscription_ = TRY(LogSubscription::open(log_, partition_, Number{0}));
  return {};
}

std::unexpected<Error> Notary::differs(const SignedHead& head, const std::string& how) {
  stopped_ = {ErrorKind::kCorrupt, "the log is not what was signed: " + how + ", where a head of " +
                                       head.checkpoint.origin + " covers " +
                                       std::to_string(head.checkpoint.size) +
                                       " decisions; find out who changed it (tenure audit verify)"};
  return std::unexpected(*stopped_);
}

Result<bool> Notary::follow(uint64_t most) {
  if (stopped_) return std::unexpected(*stopped_);
  if (tree_->waiting_bytes() >= kFlushBytes) TRY(tree_->flush());
  uint64_t taken = 0;
  for (; taken < most; ++taken) {
    const auto delivery = TRY(subscription_->next());
    if (!delivery) break;
    frontier_.append(hasher_, hasher_.leaf(delivery->bytes),
                     [this](const Hash& node) { tree_->append(node); });
    if (being_remade_) TRY(meet_heads());
  }
  if (taken == 0 && being_remade_) return differs(to_meet_[met_], "it ends before");
  return taken > 0;
}

Result<void> Notary::meet_heads() {
  for (; met_ < to_meet_.size() && to_meet_[met_].checkpoint.size <= frontier_.size(); ++met_) {
    const SignedHead& head = to_meet_[met_];
    if (head.checkpoint.size == frontier_.size() &&
        head.checkpoint.root == frontier_.root(hasher_)) {
      continue;
    }
    return differs(
        head, "something before decision " + std::to_string(frontier_.size()) + " is another one");
  }
  if (met_ < to_meet_.size()) return {};
  TRY(sync_tree());
  to_meet_.clear();
  being_remade_ = false;
  return {};
}

// A disk that failed to sync may have dropped what it was given: that tree is not written again.
Result<void> Notary::sync_tree() {
  const Result<void> synced = tree_->sync();
  if (!synced && synced.error().kind == ErrorKind::kIo) stopped_ = synced.error();
  return synced;
}

Result<std::optional<SignedHead>> Notary::sign_if_due(Time now, bool now_or_never) {
  if (stopped_) return std::unexpected(*stopped_);
  const uint64_t covered = signed_size();
  if (being_remade_ || frontier_.size() <= covered) return std::nullopt;
  // A clock that was set back says nothing of how long ago that was.
  const bool time_is_up = now < signed_at_ || now - signed_at_ >= options_.every;
  const bool due =
      now_or_never || frontier_.size() - covered >= options_.every_decisions || time_is_up;
  if (!due) return std::nullopt;
  TRY(sync_tree());
  SignedHead head = key_.sign(
      {.origin = origin_, .size = frontier_.size(), .root = frontier_.root(hasher_), .time = now});
  TRY(append_head(head));
  signed_at_ = now;
  return head;
}

Result<void> Notary::append_head(const SignedHead& head) {
  const std::string note = head.note();
  TRY(heads_->write_at(heads_bytes_, {std::as_bytes(std::span(note))}));
  TRY(heads_->sync());
  const std::scoped_lock lock(mutex_);
  places_.push_back({head.checkpoint.size, heads_bytes_});
  heads_bytes_ += note.size();
  latest_ = head;
  return {};
}

Result<std::string> Notary::read_heads(uint64_t begin, uint64_t end) const {
  std::string text(end - begin, '\0');
  text.resize(TRY(heads_->read_at(begin, std::as_writable_bytes(std::span(text)))));
  return text;
}

std::optional<SignedHead> Notary::latest() const {
  const std::scoped_lock lock(mutex_);
  return latest_;
}

uint64_t Notary::signed_size() const {
  const std::scoped_lock lock(mutex_);
  return latest_ ? latest_->checkpoint.size : 0;
}

Result<void> Notary::check_provable(uint64_t size) const {
  const uint64_t most = signed_size();
  if (size > most) {
    return fail(ErrorKind::kInvalid, "the last head covers " + std::to_string(most) +
                                         " decisions of the partition, not " +
                                         std::to_string(size) +
                                         "; ask for less, or wait for the next head");
  }
  if (!being_remade_) return {};
  return fail(ErrorKind::kUnavailable, "the tree is being made again from the log; ask again soon");
}

Result<InclusionProof> Notary::prove_inclusion(uint64_t number, uint64_t size) const {
  TRY(check_provable(size));
  InclusionProof proved;
  proved.proof = TRY(inclusion_proof(*tree_, number, size));
  proved.leaf = TRY(tree_->node(0, number));
  const Hash root = TRY(tree_root(*tree_, size));
  if (verify_inclusion(number, size, proved.leaf, proved.proof, root)) return proved;
  return damaged();
}

Result<Proof> Notary::prove_consistency(uint64_t from, uint64_t to) const {
  TRY(check_provable(to));
  Proof proof = TRY(consistency_proof(*tree_, from, to));
  const Hash old_root = TRY(tree_root(*tree_, from)), root = TRY(tree_root(*tree_, to));
  if (verify_consistency(from, to, old_root, root, proof)) return proof;
  return damaged();
}

std::unexpected<Error> Notary::damaged() const {
  return fail(
      ErrorKind::kCorrupt,
      tree_path(options_) +
          " is damaged; stop the process and delete that file: it is made again from the log");
}

Result<std::vector<SignedHead>> Notary::heads_from(uint64_t size, size_t limit) const {
  uint64_t begin = 0, end = 0;
  {
    const std::scoped_lock lock(mutex_);
    const auto first = std::ranges::lower_bound(places_, size, {}, &PlaceOfHead::size);
    if (first == places_.end()) return std::vector<SignedHead>();
    const auto rest = static_cast<size_t>(places_.end() - first);
    begin = first->begin;
    end = limit < rest ? (first + static_cast<ptrdiff_t>(limit))->begin : heads_bytes_;
  }
  return parse_heads(TRY(read_heads(begin, end)));
}

}  // namespace tenure
