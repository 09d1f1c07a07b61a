using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Worker.Secrets;

/// <summary>
/// One secret of Secrets Manager, kept for five minutes and asked for once however many want it. When the CRM refuses it, it is asked for again at once; is it still
/// the same, then the pending version is tried, and then the previous one, for somebody may be in the midst of a rotation. When all that there are have been refused,
/// nobody is told to try another one until those five minutes are over or <see cref="Clear"/> is called.
/// </summary>
public sealed partial class RotatingSecret(ISecretsManager manager, string name, TimeProvider time, ILogger<RotatingSecret> logger) : ICrmSecrets
{
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(5), AskAgainAfter = TimeSpan.FromSeconds(15);

    private readonly Lock gate = new();
    private readonly HashSet<string> refused = new(StringComparer.Ordinal);
    private CrmSecret? kept;
    private bool allRefused;
    private DateTimeOffset until;
    private Task<CrmSecret>? asking;

    /// <inheritdoc/>
    public async ValueTask<CrmSecret> GetAsync(CancellationToken cancellationToken)
    {
        Task<CrmSecret> pending;
        lock (gate)
        {
            if (kept is { } known && time.GetUtcNow() < until)
                return known;
            if (asking is null || asking.IsCompleted)
                asking = AskAsync();
            pending = asking;
        }
        // A caller may give up; the question goes on for the others.
        return await pending.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public bool Refused(CrmSecret secret)
    {
        lock (gate)
        {
            // Somebody else was refused with it before, and another one is in use by now.
            if (!ReferenceEquals(kept, secret))
                return true;
            // It was the last one left to try; asking again would find no other, and every call would be refused several times.
            if (allRefused)
                return false;
            if (refused.Add(secret.Version))
                Log.Refused(logger, name, secret.Version);
            until = default;
            return refused.Count < SecretStages.All.Count;
        }
    }

    /// <summary>Forgets what is kept: the next one who wants it asks.</summary>
    public void Clear()
    {
        lock (gate)
        {
            until = default;
            allRefused = false;
            refused.Clear();
        }
    }

    private async Task<CrmSecret> AskAsync()
    {
        await Task.Yield();
        HashSet<string> known;
        CrmSecret? last;
        lock (gate)
        {
            // What was refused five minutes ago may have been mended at the CRM.
            if (kept is not null && until != default)
            {
                allRefused = false;
                refused.Clear();
            }
            (known, last) = ([.. refused], kept);
        }
        CrmSecret? first = null;
        try
        {
            foreach (var stage in SecretStages.All)
            {
                var found = await manager.FindAsync(name, stage, CancellationToken.None);
                first ??= found;
                if (found is null || known.Contains(found.Version))
                    continue;
                return Keep(found, stage);
            }
        }
        catch (CrmUnavailableException exception) when (last is not null && !known.Contains(last.Version))
        {
            // What let us in a moment ago still does, most likely; without it every lead would wait for Secrets Manager.
            Log.Kept(logger, name, exception.Message);
            lock (gate)
                until = time.GetUtcNow() + AskAgainAfter;
            return last;
        }
        var tried = Keep(first!, SecretStages.Current);
        // Unless somebody has had it all forgotten meanwhile.
        lock (gate)
            allRefused = refused.IsSupersetOf(known);
        return tried;
    }

    private CrmSecret Keep(CrmSecret found, string stage)
    {
        lock (gate)
        {
            // The same secret stays the same object, so that nobody logs in anew for nothing.
            if (kept is null || kept.Version != found.Version || !kept.Values.OrderBy(v => v.Key).SequenceEqual(found.Values.OrderBy(v => v.Key)))
            {
                kept = found;
                Log.Using(logger, name, found.Version, stage);
            }
            until = time.GetUtcNow() + KeptFor;
            return kept;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(510, LogLevel.Information, "Secret {Name}: version {Version} ({Stage}) is in use")]
        public static partial void Using(ILogger logger, string name, string version, string stage);

        [LoggerMessage(511, LogLevel.Warning, "Secret {Name}: version {Version} was refused by the CRM")]
        public static partial void Refused(ILogger logger, string name, string version);

        [LoggerMessage(512, LogLevel.Warning, "Secret {Name} could not be asked for; the one that is kept is used on: {Why}")]
        public static partial void Kept(ILogger logger, string name, string why);
    }
}
