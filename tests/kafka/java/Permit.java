// Makes ACLs, as kafka-acls.sh would.
//
//   java -cp 'build/kafka/jars/*' Permit.java BROKERS < RIGHTS
//
// RIGHTS: a line each, `user resource name pattern operation`.

import java.io.*;
import java.util.*;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.resource.*;

public class Permit {
  public static void main(String[] arguments) throws Exception {
    List<AclBinding> rights = new ArrayList<>();
    for (String line : new BufferedReader(new InputStreamReader(System.in)).lines().toList()) {
      String[] word = line.split(" ");
      String operation = word[4].replaceAll("(?<=[a-z])(?=[A-Z])", "_"); // DescribeConfigs
      rights.add(new AclBinding(
          new ResourcePattern(ResourceType.fromString(word[1]), word[2], PatternType.valueOf(word[3].toUpperCase())),
          new AccessControlEntry("User:" + word[0], "*", AclOperation.fromString(operation), AclPermissionType.ALLOW)));
    }
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", arguments[0]))) {
      admin.createAcls(rights).all().get(30, TimeUnit.SECONDS);
    }
  }
}
