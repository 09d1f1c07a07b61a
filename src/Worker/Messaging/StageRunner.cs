using LeadPipeline.Worker.Analysis;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;
using LeadPipeline.Worker.Telemetry;

namespace LeadPipeline.Worker.Messaging;

/// <summary>
/// Brings a lead through the stages. After each stage's commit the next command is carried out right here when there is room, which saves a
/// trip through the broker; the queue is where it goes otherwise. Either way the command is on record, so that a crash loses nothing.
/// </summary>
public sealed partial class StageRunner(
    AnalyzeLeadHandler analyze, ExecutePlanHandler execute, LeadStore store, LeadGate gate, StageRoom room, Retrying retrying, TimeProvider time, ILogger<StageRunner> logger)
{
    /// <summary>Carries out a command that was delivered, and what follows from it.</summary>
    /// <param name="command">The command.</param>
    /// <param name="bus">Takes what there is no room for.</param>
    /// <param name="cancellationToken">Ends the wait, not the work.</param>
    public async Task RunAsync(StageCommand command, ILeadBus bus, CancellationToken cancellationToken)
    {
        using var only = await gate.EnterAsync(command.LeadId, cancellationToken);
        await GoOnAsync(await HandleAsync(command, cancellationToken), null, bus, cancellationToken);
    }

    /// <summary>Hands over a command that a stage of this process has just produced.</summary>
    public async Task ContinueAsync(StageCommand? next, ILeadBus bus, CancellationToken cancellationToken)
    {
        if (next is null)
            return;
        // The seat first: who finds none does not wait for the lead either, and of those who wait there are not more than seats.
        var seat = room.TryEnter(next.Stage);
        if (seat is null)
        {
            await SendAsync(next, bus, cancellationToken);
            return;
        }
        KeyedGate<Guid>.Pass only;
        try
        {
            only = await gate.EnterAsync(next.LeadId, cancellationToken);
        }
        catch
        {
            seat.Dispose();
            throw;
        }
        using (only)
            await GoOnAsync(next, seat, bus, cancellationToken);
    }

    private async Task GoOnAsync(StageCommand? next, IDisposable? taken, ILeadBus bus, CancellationToken cancellationToken)
    {
        while (next is { } command)
        {
            using var seat = taken ?? room.TryEnter(command.Stage);
            taken = null;
            if (seat is null)
            {
                await SaveAsync(command, cancellationToken);
                await SendAsync(OnRecord(command), bus, cancellationToken);
                return;
            }
            try
            {
                next = await HandleAsync(command, cancellationToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // The stage before is done and must not be repeated for this one's sake: the failure belongs to this stage's own queue.
                Log.HandedBack(logger, command.LeadId, command.Stage, exception);
                await SendAsync(OnRecord(command) is { } pending ? pending with { Warm = null } : null, bus, cancellationToken);
                return;
            }
        }
    }

    /// <summary>What the lead waits for as everybody else sees it: not what follows from something that could not be saved.</summary>
    private static StageCommand? OnRecord(StageCommand command) => command.Warm switch
    {
        { Held: { } held } => StageCommand.Pending(held.Before),
        { IsLost: true, Saga: var saga } => StageCommand.Pending(saga),
        _ => command,
    };

    /// <summary>Saves what the stage before has left to this one's first commit, for this process lets go of the lead: it must not be done again for that.</summary>
    private async Task SaveAsync(StageCommand command, CancellationToken cancellationToken)
    {
        if (command.Warm is not { Held: not null } work)
            return;
        try
        {
            await retrying.RunAsync($"Lead {command.LeadId}", _ => store.SaveAsync(work), cancellationToken);
        }
#pragma warning disable CA1031 // Then it is done again.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.NotSaved(logger, command.LeadId, exception);
        }
    }

    /// <summary>
    /// A handler must not wait for the broker: after an outage the bus connects again only when its handlers have let go of the old
    /// connection, so that both would wait for ever. The command is on record, and the sweeper sends it.
    /// </summary>
    private async Task SendAsync(StageCommand? command, ILeadBus bus, CancellationToken cancellationToken)
    {
        if (command is null)
            return;
        try
        {
            await bus.SendAsync(command, cancellationToken);
        }
        catch (BusUnavailableException exception)
        {
            Log.NotSent(logger, command.LeadId, command.Stage, exception);
        }
    }

    /// <summary>Tried again here as long as that may help: a lead that this worker has in hand is dropped by every other one.</summary>
    private async Task<StageCommand?> HandleAsync(StageCommand command, CancellationToken cancellationToken)
    {
        StageCommand? next = null;
        try
        {
            await retrying.RunAsync($"Lead {command.LeadId}", TryAsync, cancellationToken);
            return next;
        }
        catch (Exception) when (command.Warm is { Held: not null })
        {
            if (await store.TrySaveAsync(command.Warm) is { } second)
                Log.NotSaved(logger, command.LeadId, second);
            throw;
        }

        async Task TryAsync(int tries)
        {
            // A first try may have taken long to fail, and the next one begins with what is on record.
            if (tries > 1 && command.Warm is { } work)
                await store.SaveAsync(work);
            next = await this.TryAsync(tries == 1 ? command : command with { Warm = null }, cancellationToken);
        }
    }

    private async Task<StageCommand?> TryAsync(StageCommand command, CancellationToken cancellationToken)
    {
        using var span = LeadTraces.Stage(command);
        try
        {
            return await CarryOutAsync(command, cancellationToken);
        }
        catch (Exception exception)
        {
            LeadTraces.Failed(span, exception);
            throw;
        }
    }

    private async Task<StageCommand?> CarryOutAsync(StageCommand command, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var isAnalysis = command.Stage == LeadStage.Analysis;
        var next = await (isAnalysis ? analyze.HandleAsync(command, cancellationToken) : execute.HandleAsync(command, cancellationToken));
        PipelineMeters.Worked(isAnalysis ? "analysis" : "execution", time.GetElapsedTime(began));
        return next;
    }

    private static partial class Log
    {
        [LoggerMessage(401, LogLevel.Warning, "The command to bring lead {LeadId} to {Stage} could not be sent; the sweeper sends it")]
        public static partial void NotSent(ILogger logger, Guid leadId, LeadStage stage, Exception exception);

        [LoggerMessage(402, LogLevel.Warning, "The analysis of lead {LeadId} could not be saved; it may be made once more")]
        public static partial void NotSaved(ILogger logger, Guid leadId, Exception exception);

        [LoggerMessage(400, LogLevel.Warning, "Lead {LeadId} could not go on to {Stage} in place; its queue takes it")]
        public static partial void HandedBack(ILogger logger, Guid leadId, LeadStage stage, Exception exception);
    }
}

/// <summary>
/// One is at a lead in this process. A second copy of its command waits for the first one, which may hold what it has decided, and then finds the work done.
/// </summary>
public sealed class LeadGate : KeyedGate<Guid>;

/// <summary>How many leads may be handed over within the process at once, for each stage: a slow stage must not hold up the ones before it.</summary>
public sealed class StageRoom(int analysis, int execution) : IDisposable
{
    private readonly SemaphoreSlim analysisSeats = new(analysis), executionSeats = new(execution);

    /// <summary>A seat, or null when all are taken.</summary>
    public IDisposable? TryEnter(LeadStage stage)
    {
        var seats = stage == LeadStage.Analysis ? analysisSeats : executionSeats;
        return seats.Wait(0) ? new Seat(seats) : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        analysisSeats.Dispose();
        executionSeats.Dispose();
    }

    private sealed class Seat(SemaphoreSlim seats) : IDisposable
    {
        public void Dispose() => seats.Release();
    }
}
