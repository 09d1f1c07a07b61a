using System.Collections.Concurrent;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Ops;

/// <summary>Who looked at what is personal about a lead, over HTTP: one event for all looks of a person at a lead within a minute, so that a program that polls does not fill the chain.</summary>
public sealed partial class PersonalDataViews(LeadOperations operations, TimeProvider time, ILogger<PersonalDataViews> logger)
{
    private static readonly TimeSpan OneLook = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(Guid Lead, string Actor), DateTimeOffset> written = new();
    private readonly KeyedGate<(Guid Lead, string Actor)> writing = new();

    /// <summary>Writes the look down, unless that was done within the minute.</summary>
    /// <param name="id">The lead, or an alias of it.</param>
    /// <param name="actor">Who looks.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <returns>Whether it is durable; if not, what is personal has to be masked, for reading must work on when nothing can be written.</returns>
    public async Task<bool> WriteDownAsync(Guid id, string actor, CancellationToken cancellationToken)
    {
        using var only = await writing.EnterAsync((id, actor), cancellationToken);
        var now = time.GetUtcNow();
        if (written.TryGetValue((id, actor), out var at) && now - at < OneLook)
            return true;
        try
        {
            if (await operations.ViewAsync(id, "http", actor, cancellationToken) is not OperatorAnswer.Done)
                return false;
        }
#pragma warning disable CA1031 // Whatever keeps the event from being written keeps only what is personal from being shown.
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
#pragma warning restore CA1031
        {
            Log.NotWritten(logger, id, exception);
            return false;
        }
        foreach (var over in written.Where(w => now - w.Value >= OneLook))
            _ = written.TryRemove(over);
        written[(id, actor)] = now;
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(520, LogLevel.Warning, "Lead {Lead}: that somebody looks at it could not be written down; it is shown masked")]
        public static partial void NotWritten(ILogger logger, Guid lead, Exception exception);
    }
}
