// Deletes a topic, which kcat cannot.
//
//   java -cp 'build/kafka/jars/*' DeleteTopic.java BROKERS TOPIC

import java.util.*;
import org.apache.kafka.clients.admin.Admin;

public class DeleteTopic {
  public static void main(String[] arguments) throws Exception {
    try (var admin = Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
      admin.deleteTopics(List.of(arguments[1])).all().get();
    }
  }
}
