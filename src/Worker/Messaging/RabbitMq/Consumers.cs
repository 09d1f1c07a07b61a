using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Saga;
using MassTransit;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>Takes leads from <c>lead-intake</c>. <c>LeadSubmitted</c> in; the lead is stored and goes on.</summary>
public sealed class SubmittedLeadConsumer(IntakeHandler intake, StageRunner runner, RabbitMqBus bus, Retrying retrying) : IConsumer<LeadSubmitted>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<LeadSubmitted> context) =>
        retrying.RunAsync("Intake", _ => TakeInAsync(context.Message, context.CancellationToken), context.CancellationToken);

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
}

/// <summary>Takes commands from <c>lead-analysis</c>. <c>AnalyzeLead</c> in, <c>ExecutePlan</c> out.</summary>
public sealed class AnalyzeLeadConsumer(StageRunner runner, RabbitMqBus bus, StageFailures failures, Retrying retrying) : IConsumer<AnalyzeLead>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<AnalyzeLead> context) => StageConsumer.RunAsync(
        new StageCommand(context.Message.LeadId, LeadStage.Analysis, context.Message.Run, context.Message.Attempt), runner, bus, failures, retrying, context.CancellationToken);
}

/// <summary>Takes commands from <c>lead-execution</c>. <c>ExecutePlan</c> in; the plan is run.</summary>
public sealed class ExecutePlanConsumer(StageRunner runner, RabbitMqBus bus, StageFailures failures, Retrying retrying) : IConsumer<ExecutePlan>
{
    /// <inheritdoc/>
    public Task Consume(ConsumeContext<ExecutePlan> context) => StageConsumer.RunAsync(
        new StageCommand(context.Message.LeadId, LeadStage.Execution, context.Message.Run, context.Message.Attempt), runner, bus, failures, retrying, context.CancellationToken);
}

internal static class StageConsumer
{
    public static async Task RunAsync(StageCommand command, StageRunner runner, RabbitMqBus bus, StageFailures failures, Retrying retrying, CancellationToken cancellationToken)
    {
        try
        {
            await retrying.RunAsync($"Lead {command.LeadId}", _ => runner.RunAsync(command, bus, cancellationToken), cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // The lead is marked, and the message itself goes to the error queue with the exception.
            await failures.RecordAsync(command, exception);
            throw;
        }
    }
}
