package dev.here.host;

/** A guest's way to the network, and what is held on it, after its keeper's end. */
interface LeftNetwork {
  /** Lets out what the guest sent; its later frames pass. No standby may take over any more. */
  void letOut();

  /** Once the guest runs: frames for it that are held go to it, and later ones pass. */
  void letIn();

  /** Drops what is held and what comes: the guest goes on elsewhere. */
  void drop();

  /** As soon as the guest has ended there is nothing of ours at its ports any more. */
  void removeWhenEnded();
}
