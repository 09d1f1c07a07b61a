using Npgsql;

namespace LeadPipeline.Worker.Hosting;

/// <summary>Reads the two ways in which people write where PostgreSQL is.</summary>
public static class PostgresAddress
{
    /// <summary>A connection string from <c>Host=…</c> or <c>postgresql://user:password@host:port/database?options</c>.</summary>
    /// <exception cref="FormatException">It is neither; the message does not repeat it.</exception>
    public static string Parse(string text)
    {
        try
        {
            if (!text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase) && !text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase))
                return new NpgsqlConnectionStringBuilder(text) is { Host.Length: > 0 } plain ? plain.ConnectionString : throw new FormatException();
            var uri = new Uri(text);
            var user = uri.UserInfo.Split(':', 2);
            var builder = new NpgsqlConnectionStringBuilder { Host = uri.Host, Port = uri.Port > 0 ? uri.Port : 5432, Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')) };
            if (user[0].Length > 0)
                builder.Username = Uri.UnescapeDataString(user[0]);
            if (user.Length > 1)
                builder.Password = Uri.UnescapeDataString(user[1]);
            foreach (var option in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
            {
                var pair = option.Split('=', 2);
                var value = Uri.UnescapeDataString(pair.Length > 1 ? pair[1] : "");
                if (pair[0] == "sslmode")
                    // libpq writes verify-full where Npgsql writes VerifyFull.
                    builder["SSL Mode"] = value.Replace("-", "", StringComparison.Ordinal);
                else
                    builder[pair[0]] = value;
            }
            return builder.ConnectionString;
        }
        catch (Exception exception) when (exception is ArgumentException or UriFormatException or FormatException or KeyNotFoundException)
        {
            throw new FormatException("is not a PostgreSQL address; write Host=…;Username=…;Password=…;Database=… or postgresql://user:password@host:5432/database");
        }
    }
}
