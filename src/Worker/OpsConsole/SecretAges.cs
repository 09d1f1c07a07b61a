using LeadPipeline.Worker.OpsConsole.Views;

namespace LeadPipeline.Worker.OpsConsole;

/// <summary>
/// Since when each secret is the same, without anything of it. A file tells when it was written; what came with the environment is known only since
/// this process began.
/// </summary>
public sealed class SecretAges(IConfiguration configuration, TimeProvider time)
{
    private static readonly (string Name, string Key)[] Values =
    [
        ("Database password", "ConnectionStrings:Database"),
        ("Broker password", "ConnectionStrings:Broker"),
        ("Master key", "Encryption:MasterKey"),
        ("Key of the token issuer", "Auth:SigningKey"),
        ("Gemini API key", "Gemini:ApiKey"),
        ("Salesforce client secret", "Salesforce:ClientSecret"),
        ("Salesforce password", "Salesforce:Password"),
        ("Salesforce security token", "Salesforce:SecurityToken"),
        ("HubSpot access token", "HubSpot:AccessToken"),
    ];

    private static readonly (string Name, string Key)[] Files =
    [
        ("Salesforce private key", "Salesforce:PrivateKeyFile"),
        ("Google credentials", "Gemini:CredentialsFile"),
    ];

    private readonly DateTimeOffset started = time.GetUtcNow();

    /// <summary>The secrets that are set.</summary>
    public IReadOnlyList<SecretView> Read()
    {
        var directory = configuration["Data:Directory"] ?? ".leadpipeline";
        var found = new List<SecretView>();
        found.AddRange(from v in Values where !string.IsNullOrWhiteSpace(configuration[v.Key]) select new SecretView(v.Name, $"{v.Key}, read when this worker started", started));
        found.AddRange(from w in configuration.GetSection("Webhooks").GetChildren()
                       where w.GetSection("Secrets").GetChildren().Any()
                       select new SecretView($"Webhook {w.Key.ToLowerInvariant()}", $"Webhooks:{w.Key.ToLowerInvariant()}:Secrets, read when this worker started", started));
        found.AddRange(Files.SelectMany(f => File(f.Name, configuration[f.Key], f.Key)));
        if (string.IsNullOrWhiteSpace(configuration["Encryption:MasterKey"]))
            found.AddRange(File("Master key", Path.Combine(directory, "master.key"), "master.key in the data directory"));
        found.AddRange(File("Console token", Path.Combine(directory, "console-token"), "console-token in the data directory"));
        return found;
    }

    private static IEnumerable<SecretView> File(string name, string? path, string where)
    {
        if (!string.IsNullOrWhiteSpace(path) && System.IO.File.Exists(path))
            yield return new SecretView(name, where, System.IO.File.GetLastWriteTimeUtc(path));
    }
}
