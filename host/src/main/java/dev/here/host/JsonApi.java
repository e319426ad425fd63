package dev.here.host;

import dev.here.replication.Halt;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Routes requests by method and path pattern to functions from JSON to an object that becomes
 * JsonFile.JSON.
 */
final class JsonApi extends Handler.Abstract {
  private static final Logger LOG = LoggerFactory.getLogger(JsonApi.class);

  private record Route(String method, Pattern path, BiFunction<Matcher, JsonNode, Object> answer) {}

  private final List<Route> routes = new ArrayList<>();

  /**
   * Requests of {@code method} whose whole path matches {@code path} are answered by {@code
   * answer}.
   */
  JsonApi on(String method, String path, BiFunction<Matcher, JsonNode, Object> answer) {
    routes.add(new Route(method, Pattern.compile(path), answer));
    return this;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    for (Route route : routes) {
      Matcher path = route.path.matcher(Request.getPathInContext(request));
      if (route.method.equals(request.getMethod()) && path.matches()) {
        String body = Content.Source.asString(request, StandardCharsets.UTF_8);
        answer(route, path, body, response, callback);
        return true;
      }
    }
    reply(response, callback, 404, new Refusal("no such thing: " + request.getHttpURI().getPath()));
    return true;
  }

  private record Refusal(String error) {}

  private static void answer(
      Route route, Matcher path, String body, Response response, Callback callback) {
    try {
      JsonNode content = body.isEmpty() ? JsonFile.JSON.nullNode() : JsonFile.JSON.readTree(body);
      reply(response, callback, 200, route.answer.apply(path, content));
    } catch (JacksonException e) {
      reply(response, callback, 400, new Refusal("the request is not the JSON that is expected"));
    } catch (RuntimeException e) {
      LOG.info("api: refused: {}", e.toString());
      String why = e.getMessage();
      reply(response, callback, 409, new Refusal(why == null ? e.getClass().getSimpleName() : why));
    } catch (Error e) {
      // Jetty would answer with it.
      Halt.because(e);
      throw e;
    }
  }

  private static void reply(Response response, Callback callback, int status, Object content) {
    response.setStatus(status);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    response.write(true, ByteBuffer.wrap(JsonFile.JSON.writeValueAsBytes(content)), callback);
  }
}
