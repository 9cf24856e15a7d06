// Commands by the plain Java client with its own partitioner, and their results.
//
//   java -cp 'build/kafka/jars/*' SendCommands.java BROKERS PREFIX REPLY_TO [CLIENT.PROPERTIES] < COMMANDS
//
// COMMANDS: a line each, `org TAB value`, sent one after the other. A line for each result that names
// REPLY_TO, `key TAB answer TAB value`; ends when there are as many as commands, or fails after 40 s.

import java.io.*;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.*;

public class SendCommands {
  static String header(Headers headers, String name) {
    var found = headers.lastHeader(name);
    return found == null ? "" : new String(found.value(), StandardCharsets.UTF_8);
  }

  static int send(Properties settings, String topic, String replyTo) throws Exception {
    int sent = 0;
    try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
      for (String line; (line = input.readLine()) != null; sent++) {
        String[] parts = line.split("\t", 2);
        var record = new ProducerRecord<>(topic, parts[0], parts[1]);
        record.headers().add("reply-to", replyTo.getBytes(StandardCharsets.UTF_8));
        record.headers().add("content-type", "application/json".getBytes(StandardCharsets.UTF_8));
        producer.send(record).get();
      }
    }
    return sent;
  }

  public static void main(String[] arguments) throws Exception {
    String commands = arguments[1] + ".commands", results = arguments[1] + ".results", replyTo = arguments[2];
    Properties settings = new Properties();
    if (arguments.length > 3) settings.load(new FileInputStream(arguments[3]));
    settings.put("bootstrap.servers", arguments[0]);
    int wanted = send(settings, commands, replyTo);
    long deadline = System.nanoTime() + 40_000_000_000L;
    try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      List<TopicPartition> all = new ArrayList<>();
      for (var each : consumer.partitionsFor(results)) all.add(new TopicPartition(results, each.partition()));
      consumer.assign(all);
      consumer.seekToBeginning(all);
      while (wanted > 0) {
        if (System.nanoTime() > deadline) throw new IllegalStateException(wanted + " results did not come");
        for (var record : consumer.poll(Duration.ofMillis(200))) {
          if (!header(record.headers(), "reply-to").equals(replyTo)) continue;
          System.out.println(record.key() + "\t" + header(record.headers(), "tenure-answer") + "\t" + record.value());
          wanted--;
        }
      }
    }
  }
}
