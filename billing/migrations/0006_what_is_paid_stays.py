from django.db import migrations

TRIGGERS = """
CREATE FUNCTION keep_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'rates_confirmed' <> to_jsonb(OLD) - 'rates_confirmed'
        AND EXISTS (SELECT FROM billing_payline WHERE policy_id = OLD.id)
    THEN
        RAISE EXCEPTION 'La politique du % a déjà payé quelqu’un : elle ne change plus.', OLD.effective_from
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stays_once_it_paid BEFORE UPDATE ON billing_paypolicy
FOR EACH ROW EXECUTE FUNCTION keep_policy();

CREATE FUNCTION keep_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR OLD.state <> 'published' OR NEW.state <> 'exported'
        OR to_jsonb(NEW) - 'state' <> to_jsonb(OLD) - 'state')
    THEN
        RAISE EXCEPTION 'La période du % est publiée : elle ne change plus.', OLD.starts_on
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'draft' AND NEW.state = 'exported' THEN
        RAISE EXCEPTION 'La période du % est un brouillon : elle se publie avant d’être exportée.', OLD.starts_on
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.state = 'draft' AND NEW.state = 'published' AND EXISTS (
        SELECT FROM billing_paystatement s
        LEFT JOIN (billing_statementline l JOIN billing_payline p ON p.id = l.pay_line_id) ON l.statement_id = s.id
        WHERE s.period_id = OLD.id GROUP BY s.id
        HAVING s.total <> coalesce(sum(p.amount), 0) OR s.line_count <> count(p.id)
            OR bool_or(p.interpreter_id <> s.interpreter_id)
    ) THEN
        RAISE EXCEPTION 'Un relevé de la période du % ne correspond pas à ses lignes.', OLD.starts_on
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER stays_once_published BEFORE UPDATE OR DELETE ON billing_payperiod
FOR EACH ROW EXECUTE FUNCTION keep_period();

CREATE FUNCTION keep_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM billing_payperiod WHERE state <> 'draft' AND id IN (SELECT period_id FROM changed)) THEN
        RAISE EXCEPTION 'Un relevé publié ne change plus.' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stays_once_published_new AFTER INSERT ON billing_paystatement
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_statement();
CREATE TRIGGER stays_once_published_old AFTER DELETE ON billing_paystatement
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_statement();
CREATE TRIGGER is_computed_again BEFORE UPDATE ON billing_paystatement
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION keep_statement_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM billing_paystatement s JOIN billing_payperiod p ON p.id = s.period_id
        WHERE p.state <> 'draft' AND s.id IN (SELECT DISTINCT statement_id FROM changed)
    ) THEN
        RAISE EXCEPTION 'Un relevé publié ne change plus.' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN
        INSERT INTO billing_unpaidline (pay_line_id) SELECT pay_line_id FROM changed;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stays_once_published_new AFTER INSERT ON billing_statementline
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_statement_line();
CREATE TRIGGER stays_once_published_old AFTER DELETE ON billing_statementline
REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_statement_line();
CREATE TRIGGER is_computed_again BEFORE UPDATE ON billing_statementline
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION export_what_is_published() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM billing_payperiod WHERE id = NEW.period_id AND state = 'draft') THEN
        RAISE EXCEPTION 'Un brouillon ne s’exporte pas.' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER is_of_published_period BEFORE INSERT ON billing_periodexport
FOR EACH ROW EXECUTE FUNCTION export_what_is_published();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON billing_periodexport
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE TRUNCATE ON billing_statementline
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER only_grows BEFORE TRUNCATE ON billing_paystatement
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION await_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_unpaidline (pay_line_id) SELECT id FROM written;
    RETURN NULL;
END $$;
CREATE TRIGGER waits_to_be_paid AFTER INSERT ON billing_payline
REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION await_payment();
INSERT INTO billing_unpaidline (pay_line_id) SELECT id FROM billing_payline;
"""
UNDO = """
DROP TRIGGER waits_to_be_paid ON billing_payline;
DROP FUNCTION await_payment();
DROP TRIGGER stays_once_it_paid ON billing_paypolicy;
DROP FUNCTION keep_policy();
DROP TRIGGER stays_once_published ON billing_payperiod;
DROP FUNCTION keep_period();
DROP TRIGGER stays_once_published_new ON billing_paystatement;
DROP TRIGGER stays_once_published_old ON billing_paystatement;
DROP TRIGGER is_computed_again ON billing_paystatement;
DROP TRIGGER only_grows ON billing_paystatement;
DROP FUNCTION keep_statement();
DROP TRIGGER stays_once_published_new ON billing_statementline;
DROP TRIGGER stays_once_published_old ON billing_statementline;
DROP TRIGGER is_computed_again ON billing_statementline;
DROP TRIGGER only_grows ON billing_statementline;
DROP FUNCTION keep_statement_line();
DROP TRIGGER is_of_published_period ON billing_periodexport;
DROP FUNCTION export_what_is_published();
DROP TRIGGER only_grows ON billing_periodexport;
"""


class Migration(migrations.Migration):
    """A tariff that paid, a period that is published, what was exported: none changes; a line waits or is paid."""

    dependencies = [("billing", "0005_pay_periods")]
    operations = [migrations.RunSQL(TRIGGERS, UNDO)]
