using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.Worker.Analysis.Gemini;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Storage.Sql;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Cli.Doctor;

/// <summary>
/// Compares this machine's clock with those of the database server and of everybody whose tokens and signatures have times in them. A web server
/// says what time it has with every answer, refusals included.
/// </summary>
internal static class ClockCheck
{
    /// <summary>How far clocks may be apart. Tokens are taken within a minute, and the clock goes on drifting.</summary>
    public static readonly TimeSpan Allowed = TimeSpan.FromSeconds(30);

    /// <summary>One finding for each clock that is there to compare with.</summary>
    public static async Task<IReadOnlyList<Finding>> RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var findings = new List<Finding>();
        var time = services.GetRequiredService<TimeProvider>();
        if (services.GetService<PostgresDatabase>() is { } postgres && await AskAsync(token => DatabaseTimeAsync(postgres, token), time, cancellationToken) is { } server)
            findings.Add(Judge("the database server", server.Theirs, server.Before, server.After));
        using var http = new HttpClient();
        foreach (var (whose, address) in Servers(services))
        {
            if (await AskAsync(token => ServerTimeAsync(http, address, token), time, cancellationToken) is { } answer)
                findings.Add(Judge(whose, answer.Theirs, answer.Before, answer.After));
        }
        return findings;
    }

    /// <summary>What two clocks say about each other. Pure.</summary>
    /// <param name="whose">The other clock.</param>
    /// <param name="theirs">What it said.</param>
    /// <param name="before">Our time when it was asked.</param>
    /// <param name="after">Our time when the answer was there.</param>
    public static Finding Judge(string whose, DateTimeOffset theirs, DateTimeOffset before, DateTimeOffset after)
    {
        // The answer was made at some moment in between: what lies within proves nothing.
        var apart = theirs < before ? theirs - before : theirs > after ? theirs - after : TimeSpan.Zero;
        var seconds = Math.Round(Math.Abs(apart.TotalSeconds));
        return apart.Duration() <= Allowed
            ? new Finding("clock", true, $"agrees with {whose}")
            : new Finding("clock", false, $"is {seconds} s {(apart > TimeSpan.Zero ? "behind" : "ahead of")} {whose}; let NTP set both (timedatectl set-ntp true): tokens and signatures are refused, and deferred leads go on at wrong times");
    }

    private static IEnumerable<(string Whose, Uri Address)> Servers(IServiceProvider services)
    {
        if (services.GetRequiredService<IOptions<AuthOptions>>().Value.JwksUri is { Length: > 0 } issuer)
            yield return ("the issuer of tokens", new Uri(issuer));
        switch (services.GetRequiredService<IOptions<CrmOptions>>().Value.Provider)
        {
            case CrmProviderKind.Salesforce:
                var salesforce = services.GetRequiredService<IOptions<SalesforceOptions>>().Value;
                if ((string.IsNullOrWhiteSpace(salesforce.BaseUrl) ? salesforce.LoginUrl : salesforce.BaseUrl) is { Length: > 0 } login && Uri.TryCreate(login, UriKind.Absolute, out var org))
                    yield return ("Salesforce", org);
                break;
            case CrmProviderKind.HubSpot:
                if (Uri.TryCreate(services.GetRequiredService<IOptions<HubSpotOptions>>().Value.BaseUrl, UriKind.Absolute, out var hubSpot))
                    yield return ("HubSpot", hubSpot);
                break;
        }
        if (services.GetRequiredService<IOptions<AnalysisOptions>>().Value.Analyzer == AnalyzerKind.Gemini)
            yield return ("Google", new Uri(GeminiEndpoint.Of(services.GetRequiredService<IOptions<GeminiOptions>>().Value).Model));
    }

    /// <summary>Who does not answer has been reported by another check; here there is nothing to compare.</summary>
    private static async Task<(DateTimeOffset Theirs, DateTimeOffset Before, DateTimeOffset After)?> AskAsync(
        Func<CancellationToken, Task<DateTimeOffset?>> ask, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            var before = time.GetUtcNow();
            return await ask(limit.Token) is { } theirs ? (theirs, before, time.GetUtcNow()) : null;
        }
#pragma warning disable CA1031 // Whatever it is, there is no time in it.
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            return null;
        }
    }

    private static async Task<DateTimeOffset?> DatabaseTimeAsync(PostgresDatabase database, CancellationToken cancellationToken)
    {
        await using var session = await database.OpenReaderAsync(cancellationToken);
        return (await session.QueryAsync("SELECT clock_timestamp()", r => session.Time(r, 0), cancellationToken))[0];
    }

    private static async Task<DateTimeOffset?> ServerTimeAsync(HttpClient http, Uri address, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, new Uri(address, "/"));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return response.Headers.Date;
    }
}
