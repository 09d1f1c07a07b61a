using LeadPipeline.Contracts;
using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Telemetry;
using MassTransit;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>What is done with a message from each queue. A message is acknowledged when its method has ended without an exception.</summary>
public sealed class LeadConsumers(IntakeHandler intake, StageRunner runner, ILeadBus bus, StageFailures failures, Retrying retrying)
{
    /// <summary><c>lead-intake</c>: the lead is stored and goes on.</summary>
    public Task TakeInAsync(ConsumeContext<LeadSubmitted> context) => TracedAsync(context, RabbitMqRegistration.IntakeQueue, context.Message.LeadId, () =>
        retrying.RunAsync("Intake", _ => TakeInAsync(AsFirstAccepted(context), context.CancellationToken), context.CancellationToken));

    /// <summary><c>lead-analysis</c>.</summary>
    public Task AnalyzeAsync(ConsumeContext<AnalyzeLead> context) => TracedAsync(context, RabbitMqRegistration.AnalysisQueue, context.Message.LeadId, () =>
        RunAsync(new StageCommand(context.Message.LeadId, LeadStage.Analysis, context.Message.Run, context.Message.Attempt), context.CancellationToken));

    /// <summary><c>lead-execution</c>.</summary>
    public Task ExecuteAsync(ConsumeContext<ExecutePlan> context) => TracedAsync(context, RabbitMqRegistration.ExecutionQueue, context.Message.LeadId, () =>
        RunAsync(new StageCommand(context.Message.LeadId, LeadStage.Execution, context.Message.Run, context.Message.Attempt), context.CancellationToken));

    private static async Task TracedAsync(ConsumeContext context, string queue, Guid? lead, Func<Task> work)
    {
        var sent = context.ReceiveContext.TransportHeaders.TryGetHeader(LeadTraces.Header, out var header) ? header as string : null;
        using var span = LeadTraces.Processing("rabbitmq", queue, lead, sent);
        try
        {
            await work();
        }
        catch (Exception exception)
        {
            LeadTraces.Failed(span, exception);
            throw;
        }
    }

    /// <summary>A message that comes back from the dead letters was accepted, at the latest, when it failed first.</summary>
    private static LeadSubmitted AsFirstAccepted(ConsumeContext<LeadSubmitted> context) =>
        context.Message.AcceptedAt is null
        && context.ReceiveContext.TransportHeaders.TryGetHeader(QueueMessage.AcceptedBefore, out var header)
        && QueueMessage.Time(header as string) is { } at
            ? context.Message with { AcceptedAt = at }
            : context.Message;

    private async Task TakeInAsync(LeadSubmitted submitted, CancellationToken cancellationToken)
    {
        var next = await intake.HandleAsync(submitted) switch
        {
            IntakeResult.Accepted accepted => accepted.Next,
            IntakeResult.Duplicate duplicate => duplicate.Next,
            IntakeResult.Refused refused => throw new InvalidLeadException("The lead cannot be taken in. " + string.Join(" ", refused.Errors.Select(e => $"{e}."))),
            _ => null,
        };
        await runner.ContinueAsync(next, bus, cancellationToken);
    }

    private async Task RunAsync(StageCommand command, CancellationToken cancellationToken)
    {
        try
        {
            await runner.RunAsync(command, bus, cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // The lead is marked, and the message itself goes to the error queue with the exception.
            await failures.RecordAsync(command, exception);
            throw;
        }
    }
}
