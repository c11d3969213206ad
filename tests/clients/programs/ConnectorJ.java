// MariaDB Connector/J with prepared statements on the server: see README.md beside this file.
// Reads the task line by line, so that no JSON library is needed: see `tests.clients.harness.lines`.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HexFormat;

public class ConnectorJ {
    private static final HexFormat HEX = HexFormat.of();

    private static String text(String hex) {
        return new String(HEX.parseHex(hex), StandardCharsets.UTF_8);
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    private static String answer(ResultSet rows) throws SQLException {
        ResultSetMetaData meta = rows.getMetaData();
        StringBuilder out = new StringBuilder("{\"columns\":[");
        for (int i = 1; i <= meta.getColumnCount(); i++) {
            out.append(i > 1 ? "," : "").append('[').append(quoted(meta.getColumnLabel(i))).append(',');
            out.append(quoted(meta.getColumnTypeName(i))).append(']');
        }
        out.append("],\"rows\":[");
        for (boolean first = true; rows.next(); first = false) {
            out.append(first ? "[" : ",[");
            for (int i = 1; i <= meta.getColumnCount(); i++) {
                byte[] bytes = meta.getColumnTypeName(i).contains("BLOB") ? rows.getBytes(i) : null;
                String value = bytes == null ? rows.getString(i) : HEX.formatHex(bytes);
                out.append(i > 1 ? "," : "").append(value == null ? "null" : quoted(value));
            }
            out.append(']');
        }
        return out.append("]}").toString();
    }

    private static String failed(SQLException error) {
        return "{\"error\":" + error.getErrorCode() + "}";
    }

    private static void bind(PreparedStatement statement, int at, String type, String hex) throws SQLException {
        if (hex.equals("-")) {
            statement.setNull(at, java.sql.Types.NULL);
            return;
        }
        String value = text(hex);
        switch (type) {
            case "int": statement.setLong(at, Long.parseLong(value)); break;
            case "double": statement.setDouble(at, Double.parseDouble(value)); break;
            case "decimal": statement.setBigDecimal(at, new BigDecimal(value)); break;
            case "bytes": statement.setBytes(at, HEX.parseHex(value)); break;
            case "date": statement.setDate(at, java.sql.Date.valueOf(value)); break;
            case "datetime": statement.setTimestamp(at, java.sql.Timestamp.valueOf(value.replace('T', ' '))); break;
            case "time": statement.setTime(at, java.sql.Time.valueOf(value)); break;
            default: statement.setString(at, value);
        }
    }

    private static String query(Connection connection, String sql) {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(sql)) {
            return answer(rows);
        } catch (SQLException error) {
            return failed(error);
        }
    }

    public static void main(String[] given) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String url = in.readLine();
        StringBuilder queries = new StringBuilder(), prepared = new StringBuilder(), metadata = new StringBuilder();
        String slow = "";
        boolean tls = false;
        String user = null, password = null;
        double before = 1;
        Connection connection = DriverManager.getConnection(url + "&useServerPrepStmts=true");
        PreparedStatement statement = null;
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "query": queries.append(queries.length() > 0 ? "," : "").append(query(connection, text(words[1]))); break;
                case "metadata":
                    metadata.append(metadata.length() > 0 ? "," : "").append(query(connection, text(words[1]))); break;
                case "prepare":
                    if (statement != null) {
                        statement.close();
                        prepared.append(']');
                    }
                    prepared.append(prepared.length() > 0 ? ",[" : "[");
                    statement = null;
                    try {
                        statement = connection.prepareStatement(text(words[1]));
                    } catch (SQLException error) {
                        prepared.append(failed(error)).append(']');
                    }
                    break;
                case "execute":
                    if (statement == null) {
                        break;
                    }
                    if (prepared.charAt(prepared.length() - 1) != '[') {
                        prepared.append(',');
                    }
                    try {
                        for (int i = 1; i < words.length; i += 2) {
                            bind(statement, (i + 1) / 2, words[i], words[i + 1]);
                        }
                        try (ResultSet rows = statement.executeQuery()) {
                            prepared.append(answer(rows));
                        }
                    } catch (SQLException error) {
                        prepared.append(failed(error));
                    }
                    break;
                case "slow": slow = text(words[1]); break;
                case "before_kill": before = Double.parseDouble(words[1]); break;
                case "tls": tls = words[1].equals("true"); break;
                case "modern": user = words[1]; password = text(words[2]); break;
                default: throw new IllegalArgumentException(words[0]);
            }
        }
        if (statement != null) {
            statement.close();
            prepared.append(']');
        }
        String secured = "null";
        if (tls) {
            try (Connection secure = DriverManager.getConnection(url + "&useSsl=true&trustServerCertificate=true");
                    Statement asked = secure.createStatement();
                    ResultSet rows = asked.executeQuery("SHOW SESSION STATUS LIKE 'Ssl_cipher'")) {
                secured = String.valueOf(rows.next() && !rows.getString(2).isEmpty());
            }
        }
        String modern = "null";
        if (user != null) {
            String server = url.substring(0, url.indexOf('?'));
            modern = String.valueOf(is(server, user, password, true) && is(server, user, password, false));
        }
        System.out.println("{\"version\":" + quoted(connection.getMetaData().getDriverVersion())
            + ",\"connect\":" + connection.isValid(5) + ",\"query\":[" + queries + "],\"prepared\":[" + prepared
            + "],\"metadata\":[" + metadata + "],\"tls\":" + secured + ",\"caching_sha2\":" + modern + ",\"cancel\":" + cancelled(url, slow, before) + "}");
        connection.close();
    }

    private static boolean is(String server, String user, String password, boolean tls) throws SQLException {
        java.util.Properties given = new java.util.Properties();
        given.setProperty("user", user);
        given.setProperty("password", password);
        given.setProperty("useSsl", String.valueOf(tls));
        given.setProperty("trustServerCertificate", "true");
        try (Connection connection = DriverManager.getConnection(server, given);
                Statement asked = connection.createStatement();
                ResultSet rows = asked.executeQuery("SELECT CURRENT_USER() AS whoami")) {
            return rows.next() && rows.getString(1).startsWith(user + "@");
        }
    }

    private static String cancelled(String url, String slow, double before) throws Exception {
        String[] code = {"null"};
        try (Connection victim = DriverManager.getConnection(url); Statement running = victim.createStatement()) {
            Thread thread = new Thread(() -> {
                try {
                    running.executeQuery(slow).close();
                } catch (SQLException error) {
                    code[0] = String.valueOf(error.getErrorCode());
                }
            });
            thread.start();
            Thread.sleep((long) (before * 1000));
            running.cancel();
            thread.join(30_000);
        }
        return code[0];
    }
}
