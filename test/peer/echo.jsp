<%@ page session="false" import="java.io.*,java.nio.charset.StandardCharsets,java.nio.file.*,java.util.*,jakarta.servlet.http.*" %><%--
  A page itself answers GET, HEAD and POST only. So this one, which is loaded at the start, adds a servlet that answers
  everything: Tomcat compiles it, and no compiled file has to be kept here.
--%><%!
static class Echo extends HttpServlet {
  @Override protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
    byte[] body = request.getInputStream().readAllBytes();
    StringBuilder header = new StringBuilder();
    for (String name : Collections.list(request.getHeaderNames()))
      for (String value : Collections.list(request.getHeaders(name)))
        header.append(header.length() > 0 ? "," : "").append("[" + quote(name) + "," + quote(value) + "]");
    String target = request.getRequestURI() + (request.getQueryString() == null ? "" : "?" + request.getQueryString());
    String seen = "{\"method\":" + quote(request.getMethod()) + ",\"target\":" + quote(target) + ",\"header\":[" + header
      + "],\"body\":" + quote(Base64.getEncoder().encodeToString(body)) + "}";
    keep(seen);
    response.setContentType("application/json");
    response.getWriter().print(seen);
  }
}

static String quote(String s) {
  StringBuilder b = new StringBuilder("\"");
  for (char c : s.toCharArray()) {
    if (c == '"' || c == '\\') b.append('\\').append(c);
    else if (c < 0x20 || c > 0x7e) b.append(String.format("\\u%04x", (int) c));
    else b.append(c);
  }
  return b.append('"').toString();
}

static synchronized void keep(String line) throws IOException {
  Files.write(Paths.get("@DIR@/requests.log"), (line + "\n").getBytes(StandardCharsets.UTF_8), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
}

public void jspInit() {
  getServletContext().addServlet("everything", new Echo()).addMapping("/*");
}
%>
