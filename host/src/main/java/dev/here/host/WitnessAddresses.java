package dev.here.host;

import java.net.InetSocketAddress;
import java.util.Collection;
import org.apache.zookeeper.client.ConnectStringParser;
import org.apache.zookeeper.client.HostProvider;
import org.apache.zookeeper.client.StaticHostProvider;

/**
 * The witness's servers for ZooKeeper's client, which would wait a second before it tries the only
 * server again: as long as most leases last. Its own random pause between attempts remains.
 */
final class WitnessAddresses implements HostProvider {
  private final StaticHostProvider servers;

  WitnessAddresses(String connectString) {
    servers = new StaticHostProvider(new ConnectStringParser(connectString).getServerAddresses());
  }

  @Override
  public int size() {
    return servers.size();
  }

  @Override
  public InetSocketAddress next(long spinDelay) {
    return servers.next(0);
  }

  @Override
  public void onConnected() {
    servers.onConnected();
  }

  @Override
  public boolean updateServerList(
      Collection<InetSocketAddress> addresses, InetSocketAddress current) {
    return servers.updateServerList(addresses, current);
  }
}
