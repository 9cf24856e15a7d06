package tenure.peer;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import tenure.schema.AddMember;
import tenure.schema.ChangeRole;
import tenure.schema.Command;
import tenure.schema.CommandEnvelope;
import tenure.schema.CreateOrganization;
import tenure.schema.CreateSpace;
import tenure.schema.RecordUsage;
import tenure.schema.RejectionCode;
import tenure.schema.RemoveMember;
import tenure.schema.UpgradePlan;
import tenure.schema.UsageEntry;

/**
 * Decides the commands of one partition, in the guard order of the engine.
 *
 * <p>Rows, all of one organization beside each other (the members of one are its read model: a range of the store):
 * `org` -> version; `org 0 m user` -> role; `org 0 s space` -> whether a checkout is open, usage.
 * Used command ids have a store of their own, which is only ever added to: `org 0 actor 0 id` -> version.
 */
final class TenancyProcessor implements Processor<byte[], byte[], byte[], byte[]> {
  static final String ROWS = "rows", IDS = "ids";

  private static final List<String> ROLES = List.of("OWNER", "ADMIN", "MANAGER", "EVALUATOR");
  private static final int OWNER = 0, ADMIN = 1, MANAGER = 2, NO_MEMBER = -1, UNKNOWN = -2;
  private static final List<String> PAID_PLANS = List.of("basic", "basic-yearly", "pro", "pro-yearly", "scale", "scale-yearly");
  private static final String DEFAULT_PLAN = "unmetered", METER = "api_requests";
  private static final long CHECKOUT_LIFETIME_US = 24L * 3600 * 1_000_000;
  private static final byte SEPARATOR = 0;

  private ProcessorContext<byte[], byte[]> context;
  private KeyValueStore<Bytes, byte[]> rows, ids;
  private final DecisionWriter writer = new DecisionWriter();
  private final CommandEnvelope envelope = new CommandEnvelope();

  // Of the command being decided.
  private byte[] org;
  private String actor;
  private int actorRole;
  private boolean exists;
  private long version, time;
  private byte[] decision;

  @Override
  public void init(ProcessorContext<byte[], byte[]> given) {
    context = given;
    rows = given.getStateStore(ROWS);
    ids = given.getStateStore(IDS);
  }

  @Override
  public void process(Record<byte[], byte[]> record) {
    CommandEnvelope.getRootAsCommandEnvelope(ByteBuffer.wrap(record.value()), envelope);
    org = bytes(envelope.org());
    actor = envelope.actor();
    Bytes id = key(org, bytes(actor), bytes(envelope.id()));
    if (ids.get(id) != null) return; // a retry leaves no second decision
    byte[] row = rows.get(Bytes.wrap(org));
    exists = row != null;
    version = exists ? ByteBuffer.wrap(row).getLong() : 0;
    time = record.timestamp() * 1000;
    writer.begin(record.value());
    decision = null;
    decide();
    if (decision == null) {
      version++;
      rows.put(Bytes.wrap(org), number(version));
      decision = writer.accepted(version, time);
    }
    ids.put(id, number(version));
    context.forward(record.withValue(decision));
  }

  private void decide() {
    switch (envelope.commandType()) {
      case Command.CreateOrganization -> createOrganization((CreateOrganization) envelope.command(new CreateOrganization()));
      case Command.CreateSpace -> createSpace((CreateSpace) envelope.command(new CreateSpace()));
      case Command.AddMember -> addMember((AddMember) envelope.command(new AddMember()));
      case Command.ChangeRole -> changeRole((ChangeRole) envelope.command(new ChangeRole()));
      case Command.RemoveMember -> removeMember((RemoveMember) envelope.command(new RemoveMember()));
      case Command.RecordUsage -> recordUsage((RecordUsage) envelope.command(new RecordUsage()));
      case Command.UpgradePlan -> upgradePlan((UpgradePlan) envelope.command(new UpgradePlan()));
      default -> reject(RejectionCode.malformed, "this kind of command is unknown here", "contract: commands");
    }
  }

  // --- guards: each leaves a decision, or true ---

  private boolean reject(int code, String message, String rule) {
    decision = writer.rejected(version, time, code, message, rule);
    return false;
  }

  /** The organization is there, and the actor belongs to it. */
  private boolean admit() {
    if (!exists) return reject(RejectionCode.not_a_member, "no such organization, or not yours", "general law 1");
    if (actor.startsWith("service:")) {
      actorRole = NO_MEMBER;
      return true;
    }
    actorRole = roleOf(actor.substring("user:".length()));
    return actorRole != NO_MEMBER || reject(RejectionCode.not_a_member, "no such organization, or not yours", "general law 1");
  }

  private boolean holds(int lowestRole, String action) {
    if (actorRole >= OWNER && actorRole <= lowestRole) return true;
    return reject(RejectionCode.forbidden, action + " is needed", "lacks " + action);
  }

  private boolean known(int role, String name) {
    return role != UNKNOWN || reject(RejectionCode.unknown_role, "role " + name + " is unknown", "roles");
  }

  /** OWNER and ADMIN give every role but OWNER, MANAGER its own and below. */
  private boolean assigns(int role) {
    if (role != OWNER && role >= actorRole) return true;
    return reject(RejectionCode.role_not_assignable, "this role is not yours to give", "assigns");
  }

  private boolean isThere(int role, String user) {
    return role != NO_MEMBER || reject(RejectionCode.not_found, user + " is not a member", "target exists");
  }

  private boolean actsOn(int role) {
    return role >= actorRole || reject(RejectionCode.target_outranks_actor, "ask somebody above", "acts on");
  }

  private boolean keepsAnOwner(int role) {
    return role != OWNER || reject(RejectionCode.last_owner, "the last owner stays", "never without an owner");
  }

  // --- commands ---

  private void createOrganization(CreateOrganization command) {
    if (exists) {
      reject(RejectionCode.already_exists, "the organization exists", "ids are never reused");
      return;
    }
    String owner = command.owner() != null ? command.owner() : actor.substring("user:".length());
    rows.put(member(owner), new byte[] {OWNER});
    writer.organizationCreated(command.name(), owner);
    writer.memberAdded(owner, ROLES.get(OWNER));
  }

  private void createSpace(CreateSpace command) {
    if (!admit() || !holds(MANAGER, "space.create")) return;
    Bytes key = space(command.space());
    if (rows.get(key) != null) {
      reject(RejectionCode.already_exists, "the space exists", "ids are never reused");
      return;
    }
    rows.put(key, spaceRow(false, 0));
    writer.spaceCreated(command.space(), command.name(), DEFAULT_PLAN);
  }

  private void addMember(AddMember command) {
    int role = ROLES.indexOf(command.role()) < 0 ? UNKNOWN : ROLES.indexOf(command.role());
    if (!admit() || !holds(MANAGER, "member.add") || !known(role, command.role()) || !assigns(role)) return;
    if (roleOf(command.user()) != NO_MEMBER) {
      reject(RejectionCode.already_member, command.user() + " is a member already", "one membership a user");
      return;
    }
    rows.put(member(command.user()), new byte[] {(byte) role});
    writer.memberAdded(command.user(), command.role());
  }

  private void changeRole(ChangeRole command) {
    int role = ROLES.indexOf(command.role()) < 0 ? UNKNOWN : ROLES.indexOf(command.role());
    if (!admit() || !holds(MANAGER, "member.change_role") || !known(role, command.role())) return;
    int held = roleOf(command.user());
    if (!isThere(held, command.user()) || !actsOn(held) || !assigns(role) || !keepsAnOwner(held)) return;
    if (held == role) {
      reject(RejectionCode.nothing_to_do, command.user() + " holds that role already", "a change changes something");
      return;
    }
    rows.put(member(command.user()), new byte[] {(byte) role});
    writer.roleChanged(command.user(), command.role(), ROLES.get(held));
  }

  private void removeMember(RemoveMember command) {
    if (!admit() || !holds(OWNER, "member.remove")) return;
    int held = roleOf(command.user());
    if (!isThere(held, command.user()) || !actsOn(held) || !keepsAnOwner(held)) return;
    rows.delete(member(command.user()));
    writer.memberRemoved(command.user(), ROLES.get(held));
  }

  private void recordUsage(RecordUsage command) {
    if (!admit()) return;
    if (!actor.equals("service:admin")) {
      reject(RejectionCode.forbidden, "usage.record is needed", "lacks usage.record");
      return;
    }
    Bytes key = space(command.space());
    byte[] row = rows.get(key);
    if (row == null) {
      reject(RejectionCode.not_found, "no such space", "target exists");
      return;
    }
    UsageEntry entry = command.entries(0);
    if (!METER.equals(entry.meter())) {
      reject(RejectionCode.unknown_meter, "the meter is unknown", "meters of the plan");
      return;
    }
    ByteBuffer held = ByteBuffer.wrap(row);
    rows.put(key, spaceRow(held.get(0) != 0, held.getLong(1) + entry.quantity()));
    writer.usageRecorded(command.space(), entry.source(), entry.id(), entry.meter(), entry.quantity(), time);
  }

  private void upgradePlan(UpgradePlan command) {
    if (!PAID_PLANS.contains(command.plan()) && !DEFAULT_PLAN.equals(command.plan())) {
      reject(RejectionCode.unknown_plan, "the plan is unknown", "catalog: plans");
      return;
    }
    if (!admit() || !holds(ADMIN, "plan.change")) return;
    Bytes key = space(command.space());
    byte[] row = rows.get(key);
    if (row == null) {
      reject(RejectionCode.not_found, "no such space", "target exists");
    } else if (DEFAULT_PLAN.equals(command.plan())) {
      reject(RejectionCode.nothing_to_do, "the space has this plan already", "a change changes something");
    } else if (row[0] != 0) {
      reject(RejectionCode.payment_pending, "a checkout is open", "one plan change at a time");
    } else {
      rows.put(key, spaceRow(true, ByteBuffer.wrap(row).getLong(1)));
      writer.planChangeRequested(command.space(), command.plan(), DEFAULT_PLAN, (version + 1) + "-" + envelope.id(),
          time + CHECKOUT_LIFETIME_US);
    }
  }

  // --- rows ---

  private int roleOf(String user) {
    byte[] row = rows.get(member(user));
    return row == null ? NO_MEMBER : row[0];
  }

  private Bytes member(String user) {
    return key(org, new byte[] {'m'}, bytes(user));
  }

  private Bytes space(String space) {
    return key(org, new byte[] {'s'}, bytes(space));
  }

  private static byte[] spaceRow(boolean checkout, long used) {
    return ByteBuffer.allocate(1 + Long.BYTES).put((byte) (checkout ? 1 : 0)).putLong(used).array();
  }

  private static byte[] number(long value) {
    return ByteBuffer.allocate(Long.BYTES).putLong(value).array();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Bytes key(byte[] first, byte[] second, byte[] third) {
    byte[] key = new byte[first.length + second.length + third.length + 2];
    System.arraycopy(first, 0, key, 0, first.length);
    key[first.length] = SEPARATOR;
    System.arraycopy(second, 0, key, first.length + 1, second.length);
    key[first.length + 1 + second.length] = SEPARATOR;
    System.arraycopy(third, 0, key, key.length - third.length, third.length);
    return Bytes.wrap(key);
  }
}
