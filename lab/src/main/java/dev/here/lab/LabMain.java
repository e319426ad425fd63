package dev.here.lab;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The lab alone, without the rest of HERE: for work on the lab itself and for scripts.
 *
 * <pre>
 * up [--hosts NAME,NAME] [--memory MIB] [--cpus N] [--guest HOST[:VCPUS[:cards]]]
 *    [APPLICATION...]
 * down | status
 * exec HOST COMMAND...
 * push HOST FILE REMOTE | pull HOST REMOTE FILE
 * fault HOST power|hang|partition|dm-crash|dm-hang|heal
 * inside PROGRAM ARGUMENT...
 * </pre>
 */
public final class LabMain {
  private LabMain() {}

  /** Exits with the command's code, or 1 when the lab cannot do it. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    int code;
    try {
      code = run(List.of(arguments));
    } catch (LabException e) {
      System.err.println(e.getMessage());
      code = 1;
    }
    System.exit(code);
  }

  private static int run(List<String> words) throws IOException, InterruptedException {
    String command = words.isEmpty() ? "help" : words.getFirst();
    List<String> rest = words.isEmpty() ? List.of() : words.subList(1, words.size());
    switch (command) {
      case "up" -> Lab.upKept(plan(rest), System.err::println);
      case "down" -> lab().close();
      case "status" -> System.out.println(json(lab().status()));
      case "exec" -> {
        try (ExecSession session =
            lab().start(rest.getFirst(), String.join(" ", rest.subList(1, rest.size())))) {
          session.endInput();
          return session.transferTo(System.out, System.err);
        }
      }
      case "push" -> lab().push(rest.get(0), Path.of(rest.get(1)), rest.get(2));
      case "pull" -> lab().pull(rest.get(0), rest.get(1), Path.of(rest.get(2)));
      case "fault" ->
          lab()
              .fault(
                  rest.get(0),
                  LabFault.of(rest.get(1)).orElseThrow(() -> new LabException("no such fault")));
      case "inside" -> {
        return new ProcessBuilder(lab().inside(rest)).inheritIO().start().waitFor();
      }
      default ->
          throw new LabException(
              "commands: up, down, status, exec, push, pull, fault, inside; see LabMain");
    }
    return 0;
  }

  private static Lab lab() {
    return Lab.current().orElseThrow(() -> new LabException("no lab is up: start one with lab up"));
  }

  private static String json(Object value) {
    return JsonMapper.builder()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .build()
        .writeValueAsString(value);
  }

  private static LabPlan plan(List<String> words) {
    LabPlan plan = LabPlan.pair(List.of());
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      plan =
          switch (word) {
            case "--hosts" ->
                new LabPlan(
                    Arrays.asList(words.get(++i).split(",", -1)),
                    plan.memoryMebibytes(),
                    plan.cpus(),
                    plan.application(),
                    plan.guests());
            case "--guest" -> plan.withGuest(words.get(++i));
            case "--memory" ->
                new LabPlan(
                    plan.hosts(),
                    Integer.parseInt(words.get(++i)),
                    plan.cpus(),
                    plan.application(),
                    plan.guests());
            case "--cpus" ->
                new LabPlan(
                    plan.hosts(),
                    plan.memoryMebibytes(),
                    Integer.parseInt(words.get(++i)),
                    plan.application(),
                    plan.guests());
            default ->
                new LabPlan(
                    plan.hosts(),
                    plan.memoryMebibytes(),
                    plan.cpus(),
                    Stream.concat(plan.application().stream(), Stream.of(Path.of(word))).toList(),
                    plan.guests());
          };
    }
    return plan;
  }
}
