using LeadPipeline.Contracts;
using static LeadPipeline.Contracts.ClaimVerdict;

namespace LeadPipeline.Worker.Tests.Grounding;

public sealed class ClaimRulesTests
{
    // G2 source
    [TestCase("TWITTER", "enrichment.company", "FIRMOGRAPHIC", "\"Acme GmbH\"", SOURCE_NOT_ALLOWED, "G2", true)]
    [TestCase("enrichment", "enrichment.company", "FIRMOGRAPHIC", "\"Acme GmbH\"", SOURCE_NOT_ALLOWED, "G2", true)]
    // G3 path
    [TestCase("ENRICHMENT", "enrichment.ceo", "FIRMOGRAPHIC", "\"Bob\"", NOT_FOUND, "G3", true)]
    [TestCase("ENRICHMENT", "marketing.pageViews", "FIRMOGRAPHIC", "40", NOT_FOUND, "G3", true)]
    [TestCase("ENRICHMENT", "enrichment.techStack[0]", "FIRMOGRAPHIC", "\"AWS\"", NOT_FOUND, "G3", true)]
    [TestCase("ENRICHMENT", "enrichment.*", "FIRMOGRAPHIC", "\"AWS\"", NOT_FOUND, "G3", true)]
    [TestCase("ENRICHMENT", "enrichment", "FIRMOGRAPHIC", "\"AWS\"", NOT_FOUND, "G3", true)]
    [TestCase("LEAD", "lead.customFields", "FIRMOGRAPHIC", "\"x\"", NOT_FOUND, "G3", true)]
    [TestCase("PRODUCT", "product.lastActiveAt", "BEHAVIOR", "\"2026-03-01\"", NOT_FOUND, "G3", false)]
    [TestCase("LEAD", "lead.customFields.budget", "FIRMOGRAPHIC", "\"x\"", NOT_FOUND, "G3", false)]
    // G4 matrix
    [TestCase("MARKETING", "marketing.pageViews", "FIRMOGRAPHIC", "40", SOURCE_NOT_ALLOWED, "G4", true)]
    [TestCase("ENRICHMENT", "enrichment.company", "BEHAVIOR", "\"Acme GmbH\"", SOURCE_NOT_ALLOWED, "G4", true)]
    [TestCase("CRM", "crm.owner", "SCORE", "\"Sam\"", SOURCE_NOT_ALLOWED, "G4", true)]
    [TestCase("COMPUTED", "computed.icpScore", "FIRMOGRAPHIC", "88", SOURCE_NOT_ALLOWED, "G4", true)]
    [TestCase("COMPUTED", "computed.icpScore", "PIPELINE", "88", SUPPORTED, "G10", false)]
    [TestCase("COMPUTED", "computed.icpScore", "SCORE", "88", SUPPORTED, "G10", false)]
    [TestCase("PRODUCT", "product.activeUsers", "BEHAVIOR", "7", SUPPORTED, "G10", false)]
    // an absent leaf comes after matrix and malformed
    [TestCase("PRODUCT", "product.lastActiveAt", "PIPELINE", "\"2026-03-01\"", SOURCE_NOT_ALLOWED, "G4", true)]
    [TestCase("PRODUCT", "product.keyFeatureUses", "BEHAVIOR", "null", MALFORMED, "MALFORMED", true)]
    // malformed
    [TestCase("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "null", MALFORMED, "MALFORMED", true)]
    [TestCase("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "\"  \"", MALFORMED, "MALFORMED", true)]
    [TestCase("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "{\"a\":1}", MALFORMED, "MALFORMED", true)]
    [TestCase("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", "[]", MALFORMED, "MALFORMED", true)]
    [TestCase("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", "[\"AWS\",1]", MALFORMED, "MALFORMED", true)]
    [TestCase("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", "[\"AWS\",\"\"]", MALFORMED, "MALFORMED", true)]
    [TestCase("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "\"very many\"", MALFORMED, "MALFORMED", true)]
    [TestCase("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "true", MALFORMED, "MALFORMED", true)]
    [TestCase("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "[\"5000\"]", MALFORMED, "MALFORMED", true)]
    [TestCase("MARKETING", "marketing.lastActivityAt", "BEHAVIOR", "\"recently\"", MALFORMED, "MALFORMED", true)]
    // G6 text
    [TestCase("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "\"  ACME   gmbh \"", SUPPORTED, "G6", false)]
    [TestCase("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "\"Ａｃｍｅ GmbH\"", SUPPORTED, "G6", false)]
    [TestCase("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "\"Acme\"", CONTRADICTED, "G6", true)]
    [TestCase("ENRICHMENT", "enrichment.industry", "FIRMOGRAPHIC", "\"fintech\"", SUPPORTED, "G6", false)]
    [TestCase("ENRICHMENT", "enrichment.industry", "FIRMOGRAPHIC", "\"Fin Tech Software\"", CONTRADICTED, "G6", true)]
    // G8 lists
    [TestCase("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", "[\"k8s\",\"amazon web services\"]", SUPPORTED, "G8", false)]
    [TestCase("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", "\"snowflake\"", SUPPORTED, "G8", false)]
    [TestCase("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", "[\"AWS\",\"Oracle\"]", CONTRADICTED, "G8", true)]
    // G9 geography
    [TestCase("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", "\"DE\"", SUPPORTED, "G9", false)]
    [TestCase("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", "\"brandenburg,  Deutschland\"", SUPPORTED, "G9", false)]
    [TestCase("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", "\"Berlin, Brandenburg, DEU\"", SUPPORTED, "G9", false)]
    [TestCase("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", "\"Mitte, Berlin, Brandenburg, Germany\"", NOT_FOUND, "G9", false)]
    [TestCase("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", "\"Berlin\"", CONTRADICTED, "G9", true)]
    [TestCase("ENRICHMENT", "enrichment.geo", "FIRMOGRAPHIC", "\"France\"", CONTRADICTED, "G9", true)]
    // G10
    [TestCase("ENRICHMENT", "enrichment.domain", "FIRMOGRAPHIC", "\"ACME.com\"", SUPPORTED, "G10", false)]
    [TestCase("ENRICHMENT", "enrichment.foundedYear", "FIRMOGRAPHIC", "\"2009\"", SUPPORTED, "G10", false)]
    [TestCase("ENRICHMENT", "enrichment.foundedYear", "FIRMOGRAPHIC", "2009.0", SUPPORTED, "G10", false)]
    [TestCase("ENRICHMENT", "enrichment.foundedYear", "FIRMOGRAPHIC", "2010", CONTRADICTED, "G10", true)]
    [TestCase("MARKETING", "marketing.lastActivityAt", "BEHAVIOR", "\"2026-03-09\"", SUPPORTED, "G10", false)]
    [TestCase("MARKETING", "marketing.lastActivityAt", "BEHAVIOR", "\"2026-03-09T09:30:00+01:00\"", SUPPORTED, "G10", false)]
    [TestCase("MARKETING", "marketing.lastActivityAt", "BEHAVIOR", "\"2026-03-09T08:30:01Z\"", CONTRADICTED, "G10", true)]
    [TestCase("MARKETING", "marketing.lastActivityAt", "BEHAVIOR", "\"2026-03-10\"", CONTRADICTED, "G10", true)]
    [TestCase("PRODUCT", "product.trialStartedAt", "BEHAVIOR", "\"2026-03-01\"", SUPPORTED, "G10", false)]
    [TestCase("PRODUCT", "product.trialStartedAt", "BEHAVIOR", "\"2026-03-01T10:00:00Z\"", NOT_FOUND, "G10", false)]
    [TestCase("COMPUTED", "computed.freeEmailProvider", "PIPELINE", "false", SUPPORTED, "G10", false)]
    [TestCase("COMPUTED", "computed.freeEmailProvider", "PIPELINE", "\"false\"", CONTRADICTED, "G10", true)]
    [TestCase("CRM", "crm.openOpportunityValue", "PIPELINE", "\"1,500.5\"", SUPPORTED, "G10", false)]
    [TestCase("CRM", "crm.leadId", "PIPELINE", "\"00Q000000000001AAA\"", SUPPORTED, "G10", false)]
    [TestCase("CRM", "crm.leadId", "PIPELINE", "\"00q000000000001aaa\"", CONTRADICTED, "G10", true)]
    // G17 the person's own word
    [TestCase("LEAD", "lead.company", "FIRMOGRAPHIC", "\"ACME\"", UNTRUSTED_ONLY, "G17", false)]
    [TestCase("LEAD", "lead.country", "FIRMOGRAPHIC", "\"DE\"", UNTRUSTED_ONLY, "G17", false)]
    [TestCase("LEAD", "lead.company", "BEHAVIOR", "\"Other\"", CONTRADICTED, "G17", true)]
    public void A_claim_gets_the_verdict_of_the_first_rule_that_matches(
        string source, string path, string type, string value, ClaimVerdict verdict, string rule, bool rejected)
    {
        var result = GroundingCase.With(source, path, type, value).Ground();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Claims[0].Verdict, Is.EqualTo(verdict));
            Assert.That(result.Claims[0].Rule, Is.EqualTo(rule));
            Assert.That(result.Status == GroundingStatus.REJECTED, Is.EqualTo(rejected));
        }
    }

    [TestCase("7500", "\"5000-10000\"", SUPPORTED)]
    [TestCase("\"7,500\"", "\"5000-10000\"", SUPPORTED)]
    [TestCase("\"7\u2009500\"", "\"5000-10000\"", SUPPORTED)]
    [TestCase("\"7.5k\"", "\"5000-10000\"", SUPPORTED)]
    [TestCase("\"5k - 10k\"", "\"5000-10000\"", SUPPORTED)]
    [TestCase("\"5000–10000\"", "\"5,000 – 10,000\"", SUPPORTED)]
    [TestCase("\"5000-10000\"", "7500", NOT_FOUND)]
    [TestCase("\"10000-20000\"", "\"5000-10000\"", NOT_FOUND)]
    [TestCase("\"10001-20000\"", "\"5000-10000\"", CONTRADICTED)]
    [TestCase("10000", "\"5000-10000\"", SUPPORTED)]
    [TestCase("10001", "\"5000-10000\"", CONTRADICTED)]
    [TestCase("\"10000+\"", "\"10000+\"", SUPPORTED)]
    [TestCase("25000", "\"10000+\"", SUPPORTED)]
    [TestCase("\"10k+\"", "25000", NOT_FOUND)]
    [TestCase("\"~500\"", "500", NOT_FOUND)]
    [TestCase("550", "\"~500\"", SUPPORTED)]
    [TestCase("551", "\"~500\"", CONTRADICTED)]
    [TestCase("2000000", "\"2M\"", SUPPORTED)]
    [TestCase("\"5 000\"", "5000", SUPPORTED)]
    [TestCase("\"$3M\"", "\"$2M-$5M\"", SUPPORTED)]
    [TestCase("\"3M USD\"", "\"$2M-5M\"", SUPPORTED)]
    [TestCase("\"3M\"", "\"$2M-$5M\"", NOT_FOUND)]
    [TestCase("\"$30M\"", "\"2M-5M\"", NOT_FOUND)]
    [TestCase("\"€3M\"", "\"$2M-$5M\"", CONTRADICTED)]
    [TestCase("\"1.5 million EUR\"", "\"1.5mEUR\"", SUPPORTED)]
    [TestCase("\"5000 10000\"", "7500", MALFORMED)]
    [TestCase("\"10000-5000\"", "7500", MALFORMED)]
    [TestCase("\"5000-\"", "7500", MALFORMED)]
    [TestCase("\"1,00\"", "100", MALFORMED)]
    [TestCase("500", "\"very many\"", NOT_FOUND)]
    public void A_range_is_supported_when_it_lies_inside_the_truth(string claimed, string truth, ClaimVerdict verdict)
    {
        var result = GroundingCase.With("ENRICHMENT", "enrichment.revenue", "FIRMOGRAPHIC", claimed).Knowing("enrichment.revenue", truth).Ground();

        Assert.That(result.Claims[0].Verdict, Is.EqualTo(verdict));
    }

    [TestCase("straße", "strasse", CONTRADICTED)]
    [TestCase("ΟΔΟΣ", "οδος", SUPPORTED)]
    [TestCase("ﬁnance", "finance", SUPPORTED)]
    [TestCase("Café", "Cafe\u0301", SUPPORTED)]
    [TestCase("Ça\u00A0Va", "ça va", SUPPORTED)]
    public void Text_is_folded_one_character_to_one(string claimed, string truth, ClaimVerdict verdict)
    {
        var result = GroundingCase.With("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", $"\"{claimed}\"").Knowing("enrichment.company", $"\"{truth}\"").Ground();

        Assert.That(result.Claims[0].Verdict, Is.EqualTo(verdict));
    }

    [TestCase("{}")]
    [TestCase("null")]
    [TestCase("""{ "company": null, "techStack": [], "industry": "" }""")]
    public void An_enrichment_claim_without_enrichment_is_not_allowed(string enrichment)
    {
        var given = GroundingCase.With("ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "null");
        given.Document["enrichment"] = System.Text.Json.Nodes.JsonNode.Parse(enrichment);

        var result = given.Ground();

        Assert.That((result.Claims[0].Verdict, result.Claims[0].Rule, result.Status), Is.EqualTo((SOURCE_NOT_ALLOWED, "G5", GroundingStatus.REJECTED)));
    }

    [TestCase("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "\"5000-10000\"", "7500", false)]
    [TestCase("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "7500", "8000", true)]
    [TestCase("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "\"5000-10000\"", "\"6000-7000\"", true)]
    [TestCase("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "\"5k\"", "5000", false)]
    [TestCase("ENRICHMENT", "enrichment.industry", "FIRMOGRAPHIC", "\"Fintech\"", "\"Financial Technology\"", false)]
    [TestCase("ENRICHMENT", "enrichment.industry", "FIRMOGRAPHIC", "\"Fintech\"", "\"Retail\"", true)]
    [TestCase("ENRICHMENT", "enrichment.techStack", "FIRMOGRAPHIC", "[\"AWS\"]", "\"Snowflake\"", false)]
    [TestCase("MARKETING", "marketing.lastActivityAt", "BEHAVIOR", "\"2026-03-09\"", "\"2026-03-09T08:30:00Z\"", false)]
    [TestCase("PRODUCT", "product.keyFeatureUses", "BEHAVIOR", "1", "2", true)]
    public void Two_claims_on_one_path_may_not_differ(string source, string path, string type, string one, string other, bool conflict)
    {
        var result = GroundingCase.With(source, path, type, one).Claim(source, path, type, other).Ground();

        Assert.That(result.Claims.Select(c => c.Rule == "G16" && c.Verdict == CONTRADICTED), Is.All.EqualTo(conflict));
        Assert.That(result.Status == GroundingStatus.REJECTED, Is.EqualTo(conflict));
    }

    [TestCase("enrichment", "2026-02-08T12:00:00Z", "ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "\"Acme GmbH\"", SUPPORTED)]
    [TestCase("enrichment", "2026-02-08T11:59:59Z", "ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "\"Acme GmbH\"", STALE)]
    [TestCase("enrichment.company", "2026-02-01T00:00:00Z", "ENRICHMENT", "enrichment.company", "FIRMOGRAPHIC", "\"Acme GmbH\"", STALE)]
    [TestCase("enrichment.company", "2026-02-01T00:00:00Z", "ENRICHMENT", "enrichment.foundedYear", "FIRMOGRAPHIC", "2009", SUPPORTED)]
    [TestCase("marketing", "2026-03-09T11:59:00Z", "MARKETING", "marketing.pageViews", "BEHAVIOR", "40", STALE)]
    [TestCase("marketing", "2026-03-09T11:59:00Z", "MARKETING", "marketing.pageViews", "BEHAVIOR", "41", CONTRADICTED)]
    [TestCase("product", "2026-03-09T12:00:00Z", "PRODUCT", "product.activeUsers", "BEHAVIOR", "7", SUPPORTED)]
    [TestCase("crm", "2026-03-10T11:44:59Z", "CRM", "crm.owner", "PIPELINE", "\"Sam\"", STALE)]
    [TestCase("computed", "2020-01-01T00:00:00Z", "COMPUTED", "computed.icpScore", "SCORE", "88", SUPPORTED)]
    public void Evidence_ages_by_its_source(string key, string fetchedAt, string source, string path, string type, string value, ClaimVerdict verdict)
    {
        var result = GroundingCase.With(source, path, type, value).Aged(key, fetchedAt).Ground();

        Assert.That(result.Claims[0].Verdict, Is.EqualTo(verdict));
    }

    [Test]
    public void A_claim_carries_what_was_claimed_what_is_true_and_how_they_were_compared()
    {
        var result = GroundingCase.With("ENRICHMENT", "enrichment.employees", "FIRMOGRAPHIC", "7500").Ground();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Claims[0].Claimed!.Value.GetRawText(), Is.EqualTo("7500"));
            Assert.That(result.Claims[0].Truth!.Value.GetString(), Is.EqualTo("5000-10000"));
            Assert.That(result.Claims[0].Comparator, Is.EqualTo("range"));
        }
    }
}
