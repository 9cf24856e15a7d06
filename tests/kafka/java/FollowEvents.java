// A consumer of tenure.events: the plain Java client, each event once.
//
//   java -cp 'build/kafka/jars/*' FollowEvents.java BROKERS TOPIC
//
// Reads every partition to where it ends now. A line for each event: its key, then the CloudEvent. What is not above the last
// id of its partition was seen before, and is passed over: that makes it exactly once whatever happened to the relay.

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.regex.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

public class FollowEvents {
  static final Pattern ID = Pattern.compile("\"id\":\"\\d+:(\\d+)/(\\d+)\"");

  record Id(long number, int index) implements Comparable<Id> {
    static Id of(String event) {
      Matcher found = ID.matcher(event);
      if (!found.find()) throw new IllegalStateException("no event of a relay: " + event);
      return new Id(Long.parseLong(found.group(1)), Integer.parseInt(found.group(2)));
    }
    public int compareTo(Id other) {
      return number != other.number ? Long.compare(number, other.number) : Integer.compare(index, other.index);
    }
  }

  public static void main(String[] arguments) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("auto.offset.reset", "none"); // a gap is an error, never a jump
    settings.put("enable.auto.commit", "false");
    Map<TopicPartition, Id> last = new HashMap<>();
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      List<TopicPartition> all = new ArrayList<>();
      for (var each : consumer.partitionsFor(arguments[1])) all.add(new TopicPartition(arguments[1], each.partition()));
      consumer.assign(all);
      consumer.seekToBeginning(all);
      var ends = consumer.endOffsets(all);
      while (all.stream().anyMatch(each -> consumer.position(each) < ends.get(each))) {
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          String type = new String(record.headers().lastHeader("content-type").value(), StandardCharsets.UTF_8);
          if (!type.startsWith("application/cloudevents+json")) throw new IllegalStateException(type);
          var partition = new TopicPartition(record.topic(), record.partition());
          Id id = Id.of(record.value());
          if (last.containsKey(partition) && last.get(partition).compareTo(id) >= 0) continue;
          last.put(partition, id);
          System.out.println(record.key() + "\t" + record.value());
        }
      }
    }
  }
}
