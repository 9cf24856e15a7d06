// A consumer of the decision log that is nobody's library: the plain Java client, and the reader's
// rule in one class. The published example; what the rule is for stands in engine/log/log_reader.h,
// the bytes in engine/log/record.h.
//
//   java -cp 'build/kafka/jars/*' FollowLog.java BROKERS TOPIC [CLIENT.PROPERTIES]
//
// Reads every partition from its beginning to where it ends now. A line for each valid decision,
// `partition:number bytes base64-of-the-payload`, and at the end one for each partition,
// `partition decisions N claims N void N`. The payload is a FlatBuffer: schemas/decision.fbs.

import java.io.FileInputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.*;
import java.util.zip.CRC32C;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class FollowLog {
  /** One partition. Keep all its fields with whatever you build, and go on from there. */
  static final class ReaderRule {
    static final int MAGIC = 0x31524E54, PREFIX = 64, FORMAT = 1, READER = 1, DECISION = 1, CLAIM = 2;
    long offset, number, stamp, claims, voids;
    final Map<Long, Long> tags = new HashMap<>(); // of the claims, by the stamp of what they permit

    /** The payload of a decision that counts; null if the record is a claim or void. */
    ByteBuffer judge(long at, byte[] value) {
      check(at == offset, at, "expected offset " + offset);
      offset = at + 1;
      ByteBuffer record = ByteBuffer.wrap(value == null ? new byte[0] : value).order(ByteOrder.LITTLE_ENDIAN);
      if (record.limit() < 4 || record.getInt(0) != MAGIC) return skip();
      check(record.limit() >= PREFIX, at, "shorter than a prefix");
      int kind = record.get(5), length = record.getInt(40);
      check(record.get(4) == FORMAT && (record.getShort(6) & 0xFFFF) <= READER && (kind == DECISION || kind == CLAIM),
          at, "written for a newer reader");
      check(length >= 0 && length <= record.limit() - PREFIX, at, "shorter than it says");
      check(checksum(record, length) == record.getInt(44), at, "damaged");
      long itsStamp = record.getLong(8), itsNumber = record.getLong(16), acked = record.getLong(24), tag = record.getLong(48);
      check(acked <= number, at, "its writer knew " + acked + " decisions durable, " + number + " are here");
      if (kind == CLAIM) {
        stamp = at + 1;
        tags.put(stamp, tag);
        claims++;
        return null;
      }
      check(itsStamp == 0 || Objects.equals(tags.get(itsStamp), tag), at, "its claim is not here");
      if (itsStamp != stamp || itsNumber != number) return skip();
      number++;
      return record.slice(PREFIX, length);
    }

    /** Of the prefix, its own checksum taken as zero, and the payload. */
    int checksum(ByteBuffer record, int length) {
      CRC32C crc = new CRC32C();
      crc.update(record.array(), 0, 44);
      crc.update(new byte[4]);
      crc.update(record.array(), 48, PREFIX - 48 + length);
      return (int) crc.getValue();
    }

    ByteBuffer skip() {
      voids++;
      return null;
    }

    void check(boolean good, long at, String what) {
      if (!good) throw new IllegalStateException("log record at offset " + at + ": " + what + "; stopped");
    }
  }

  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    if (arguments.length > 2) settings.load(new FileInputStream(arguments[2]));
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("auto.offset.reset", "none"); // a gap is an error, never a jump
    settings.put("enable.auto.commit", "false");
    Map<TopicPartition, ReaderRule> rules = new TreeMap<>(Comparator.comparing(TopicPartition::partition));
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      for (var each : consumer.partitionsFor(arguments[1])) {
        rules.put(new TopicPartition(arguments[1], each.partition()), new ReaderRule());
      }
      consumer.assign(rules.keySet());
      for (TopicPartition each : rules.keySet()) consumer.seek(each, 0);
      var ends = consumer.endOffsets(rules.keySet());
      while (rules.entrySet().stream().anyMatch(each -> each.getValue().offset < ends.get(each.getKey()))) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          ReaderRule rule = rules.get(new TopicPartition(record.topic(), record.partition()));
          ByteBuffer payload = rule.judge(record.offset(), record.value());
          if (payload != null) print(record.partition(), rule.number - 1, payload);
        }
      }
    }
    rules.forEach((each, rule) -> System.out.printf("%d decisions %d claims %d void %d%n",
        each.partition(), rule.number, rule.claims, rule.voids));
  }

  static void print(int partition, long number, ByteBuffer payload) {
    byte[] bytes = new byte[payload.remaining()];
    payload.get(bytes);
    System.out.printf("%d:%d %d %s%n", partition, number, bytes.length, Base64.getEncoder().encodeToString(bytes));
  }
}
