package tenure.peer;

import com.google.flatbuffers.FlatBufferBuilder;
import tenure.schema.Decision;
import tenure.schema.Event;
import tenure.schema.EventBox;
import tenure.schema.MemberAdded;
import tenure.schema.MemberRemoved;
import tenure.schema.OrganizationCreated;
import tenure.schema.Outcome;
import tenure.schema.Plan;
import tenure.schema.PlanChangeRequested;
import tenure.schema.Rejection;
import tenure.schema.RoleChanged;
import tenure.schema.SpaceCreated;
import tenure.schema.UsageEntry;
import tenure.schema.UsageRecorded;

/** One decision after the other, in one buffer that grows and stays: schemas/decision.fbs. One thread. */
final class DecisionWriter {
  private static final String RULEBOOK = "space@1";
  private static final int ALIGNMENT = 8; // the command is a FlatBuffer that is read where it lies

  private final FlatBufferBuilder builder = new FlatBufferBuilder(4096);
  private final int[] boxes = new int[4];
  private int events;
  private int command;

  /** Begins; `bytes` is the command exactly as it came. */
  void begin(byte[] bytes) {
    builder.clear();
    events = 0;
    builder.createUnintializedVector(1, bytes.length, ALIGNMENT).put(bytes);
    command = builder.endVector();
  }

  private void add(byte type, int event) {
    boxes[events++] = EventBox.createEventBox(builder, type, event);
  }

  private int plan(String name) {
    int text = builder.createString(name);
    int meters = Plan.createMetersVector(builder, new int[0]);
    Plan.startPlan(builder);
    Plan.addName(builder, text);
    Plan.addMeters(builder, meters);
    return Plan.endPlan(builder);
  }

  void organizationCreated(String name, String owner) {
    int nameText = builder.createString(name);
    int rulebook = builder.createString(RULEBOOK);
    int ownerText = builder.createString(owner);
    int billingMode = builder.createString("per_space");
    int currency = builder.createString("EUR");
    OrganizationCreated.startOrganizationCreated(builder);
    OrganizationCreated.addName(builder, nameText);
    OrganizationCreated.addRulebook(builder, rulebook);
    OrganizationCreated.addOwner(builder, ownerText);
    OrganizationCreated.addBillingMode(builder, billingMode);
    OrganizationCreated.addCurrency(builder, currency);
    add(Event.OrganizationCreated, OrganizationCreated.endOrganizationCreated(builder));
  }

  void memberAdded(String user, String role) {
    add(Event.MemberAdded, MemberAdded.createMemberAdded(builder, builder.createString(user),
        builder.createString(role), 0, 0, 0, 0));
  }

  void roleChanged(String user, String role, String from) {
    add(Event.RoleChanged, RoleChanged.createRoleChanged(builder, builder.createString(user),
        builder.createString(role), builder.createString(from)));
  }

  void memberRemoved(String user, String role) {
    add(Event.MemberRemoved, MemberRemoved.createMemberRemoved(builder, builder.createString(user),
        builder.createString(role)));
  }

  void spaceCreated(String space, String name, String plan) {
    add(Event.SpaceCreated, SpaceCreated.createSpaceCreated(builder, builder.createString(space),
        builder.createString(name), builder.createString(plan), plan(plan)));
  }

  void planChangeRequested(String space, String plan, String from, String checkout, long expires) {
    add(Event.PlanChangeRequested, PlanChangeRequested.createPlanChangeRequested(builder,
        builder.createString(space), builder.createString(plan), builder.createString(from),
        builder.createString(checkout), expires, plan(plan)));
  }

  void usageRecorded(String space, String source, String id, String meter, long quantity, long time) {
    int entry = UsageEntry.createUsageEntry(builder, builder.createString(source), builder.createString(id),
        builder.createString(meter), quantity, time);
    int entries = UsageRecorded.createEntriesVector(builder, new int[] {entry});
    add(Event.UsageRecorded, UsageRecorded.createUsageRecorded(builder, builder.createString(space), entries, 1, 0));
  }

  byte[] accepted(long version, long time) {
    builder.startVector(4, events, 4);
    for (int i = events - 1; i >= 0; i--) builder.addOffset(boxes[i]);
    return finish(version, time, Outcome.accepted, builder.endVector(), 0);
  }

  byte[] rejected(long version, long time, int code, String message, String rule) {
    int rejection = Rejection.createRejection(builder, code, builder.createString(message),
        builder.createString(RULEBOOK + " " + rule));
    return finish(version, time, Outcome.rejected, 0, rejection);
  }

  private byte[] finish(long version, long time, int outcome, int events, int rejection) {
    int rulebook = builder.createString(RULEBOOK);
    Decision.startDecision(builder);
    Decision.addVersion(builder, version);
    Decision.addTime(builder, time);
    Decision.addRulebook(builder, rulebook);
    if (rejection != 0) Decision.addRejection(builder, rejection);
    if (events != 0) Decision.addEvents(builder, events);
    Decision.addCommand(builder, command);
    Decision.addOutcome(builder, outcome);
    Decision.finishDecisionBuffer(builder, Decision.endDecision(builder));
    return builder.sizedByteArray();
  }
}
