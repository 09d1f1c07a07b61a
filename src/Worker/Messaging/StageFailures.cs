using System.Text.Json.Nodes;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Execution;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Messaging;

/// <summary>Records that a stage failed for a reason that nobody expected, so that the lead is found among the dead letters and not sent for ever.</summary>
public sealed partial class StageFailures(LeadStore store, LeadGate gate, WorkerIdentity worker, TimeProvider time, ILogger<StageFailures> logger)
{
    /// <summary>Ends the lead as dead-lettered, if it still waits for this very stage; not one that another worker has in hand, or another copy of the command in this one.</summary>
    public async Task RecordAsync(StageCommand command, Exception exception)
    {
        Log.Failed(logger, command.LeadId, command.Stage, exception);
        try
        {
            using var only = await gate.EnterAsync(command.LeadId, CancellationToken.None);
            if (await store.LoadAsync(command.LeadId) is not { } work
                || LeadSagaMachine.Receive(work.Saga, command.Stage, command.Run, time.GetUtcNow()) is not SagaDecision.Proceed
                || (work.Saga.Owner is { } owner && owner != worker.Id && await worker.IsAliveAsync(owner, CancellationToken.None)))
                return;
            var reason = "unexpected:" + exception.GetType().Name;
            var row = DeadLetter.Of(work.Saga, command.Stage, reason, null, time.GetUtcNow());
            var stage = command.Stage == LeadStage.Analysis ? "analysis" : "execution";
            await store.ApplyAsync(work, new SagaMessage.StageFailed(command.Run, command.Stage, reason, work.Saga.Epoch),
                [new AuditFact(stage, stage == "analysis" ? "blocked" : "completed", new JsonObject { ["status"] = nameof(LeadStatus.DeadLettered), ["reason"] = reason })],
                commit => commit with { DeadLetter = row });
        }
#pragma warning disable CA1031 // The lead could be the reason (a row that cannot be read): it must not take the consumer with it.
        catch (Exception second)
#pragma warning restore CA1031
        {
            Log.NotRecorded(logger, command.LeadId, second);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(420, LogLevel.Error, "Lead {LeadId} failed in {Stage} for good")]
        public static partial void Failed(ILogger logger, Guid leadId, LeadStage stage, Exception exception);

        [LoggerMessage(421, LogLevel.Error, "The failure of lead {LeadId} could not be recorded; the sweeper will send it again")]
        public static partial void NotRecorded(ILogger logger, Guid leadId, Exception exception);
    }
}
