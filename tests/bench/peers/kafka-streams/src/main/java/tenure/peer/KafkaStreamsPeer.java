package tenure.peer;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.apache.kafka.streams.state.Stores;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.CompressionType;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;

/**
 * Commands of PREFIX.commands to decisions in PREFIX.decisions, exactly once. Waits for both topics; runs until it is
 * ended.
 *
 * <pre>KafkaStreamsPeer --brokers HOST:PORT --prefix PREFIX --state DIRECTORY [--set NAME=VALUE]...</pre>
 */
public final class KafkaStreamsPeer {
  private static final int MIB = 1 << 20;

  /** One cache for all stores; bloom filters, as most ids that are looked up were never used. */
  public static final class RocksSettings implements RocksDBConfigSetter {
    private static final Cache CACHE = new LRUCache(256L * MIB);
    private static final BloomFilter FILTER = new BloomFilter(10, false);

    @Override
    public void setConfig(String store, Options options, Map<String, Object> configs) {
      BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
      table.setBlockCache(CACHE);
      table.setFilterPolicy(FILTER);
      options.setTableFormatConfig(table);
      options.setCompressionType(CompressionType.NO_COMPRESSION);
      options.setWriteBufferSize(32L * MIB);
    }

    @Override
    public void close(String store, Options options) {}
  }

  private static Properties settings(Map<String, String> arguments) {
    Properties all = new Properties();
    all.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments.get("brokers"));
    all.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments.get("prefix") + ".streams");
    all.put(StreamsConfig.STATE_DIR_CONFIG, arguments.get("state"));
    all.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    all.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    all.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    all.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    all.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L * MIB);
    all.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5000);
    all.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksSettings.class);
    all.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    all.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
    all.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5000);
    all.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 5);
    all.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), MIB);
    all.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 256L * MIB);
    return all;
  }

  private static Topology topology(String prefix) {
    Map<String, String> changelog = Map.of();
    Topology topology = new Topology();
    topology.addSource("commands", prefix + ".commands");
    topology.addProcessor("decide", TenancyProcessor::new, "commands");
    topology.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(TenancyProcessor.ROWS),
        Serdes.Bytes(), Serdes.ByteArray()).withLoggingEnabled(changelog).withCachingEnabled(), "decide");
    topology.addStateStore(Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(TenancyProcessor.IDS),
        Serdes.Bytes(), Serdes.ByteArray()).withLoggingEnabled(changelog).withCachingDisabled(), "decide");
    topology.addSink("decisions", prefix + ".decisions", "decide");
    return topology;
  }

  private static void waitForTopics(String brokers, String prefix) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
      while (!admin.listTopics().names().get().containsAll(Set.of(prefix + ".commands", prefix + ".decisions"))) {
        Thread.sleep(50);
      }
    }
  }

  public static void main(String[] given) throws Exception {
    Map<String, String> arguments = new HashMap<>();
    Map<String, String> more = new HashMap<>();
    for (int i = 0; i + 1 < given.length; i += 2) {
      String[] setting = given[i + 1].split("=", 2);
      if (given[i].equals("--set")) more.put(setting[0], setting[1]);
      else arguments.put(given[i].substring(2), given[i + 1]);
    }
    Properties settings = settings(arguments);
    settings.putAll(more);
    waitForTopics(arguments.get("brokers"), arguments.get("prefix"));

    KafkaStreams streams = new KafkaStreams(topology(arguments.get("prefix")), settings);
    CountDownLatch ended = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      ended.countDown();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
    streams.start();
    ended.await();
    System.exit(1);
  }
}
