<?php

/**
 * The page under Settings → Ringpool. WordPress checks the nonce of its form and stores it.
 *
 * @package Ringpool
 */

namespace Ringpool;

defined('ABSPATH') || exit;

/** The page's name in its address. */
const PAGE = 'ringpool';

/** Who may see the page and change what is on it. */
const CAPABILITY = 'manage_options';

/** Each setting's label and explanation. */
function labels(): array
{
    return array(
        'service' => array(
            __('Service', 'ringpool'),
            __('The address of your Ringpool service: https://numbers.example', 'ringpool'),
        ),
        'account' => array(
            __('Account', 'ringpool'),
            __('The account’s id, as `ringpool snippet` has it in its tag.', 'ringpool'),
        ),
        'click-to-call' => array(
            __('Click to call', 'ringpool'),
            __('On phones, swapped numbers become links that dial.', 'ringpool'),
        ),
        'format' => array(
            __('Format', 'ringpool'),
            __('How swapped numbers are written; empty: as the pool says.', 'ringpool'),
        ),
        'consent' => array(
            __('Consent', 'ringpool'),
            __('“required”: nothing is stored before ringpool(\'consent\', true).', 'ringpool'),
        ),
        'hide-until' => array(
            __('Hide until swapped', 'ringpool'),
            __('A CSS selector of what is invisible until the answer is there: .phone', 'ringpool'),
        ),
        'selector' => array(
            __('Selector', 'ringpool'),
            __('A CSS selector of elements whose number is swapped, whatever it is.', 'ringpool'),
        ),
        'params' => array(
            __('Parameters', 'ringpool'),
            __('What this site adds to the parameter tuple: section=blog&path=home', 'ringpool'),
        ),
        'cookies' => array(
            __('Cookies', 'ringpool'),
            __('Names of cookies to send, with consent: _ga,_fbp', 'ringpool'),
        ),
        'days' => array(
            __('Days', 'ringpool'),
            __('How long first and last touch are kept: 1 to 400; empty: 30.', 'ringpool'),
        ),
        'timeout' => array(
            __('Timeout', 'ringpool'),
            __('How long numbers may stay hidden, in ms: 0 to 60000; empty: 1500.', 'ringpool'),
        ),
        'jsonld' => array(
            __('Structured data', 'ringpool'),
            __('Swap numbers in JSON-LD, too.', 'ringpool'),
        ),
    );
}

/** Hooked to `admin_menu`. */
function add_settings_page(): void
{
    $title = __('Ringpool', 'ringpool');
    add_options_page($title, $title, CAPABILITY, PAGE, 'Ringpool\\show_settings_page');
}

/** Hooked to `admin_init`: options.php takes the form only with the nonce that it has printed. */
function register_settings(): void
{
    register_setting(
        PAGE,
        OPTION,
        array(
            'type' => 'array',
            'default' => DEFAULTS,
            'sanitize_callback' => 'Ringpool\\sanitize',
            'show_in_rest' => false,
        )
    );
    add_settings_section('ringpool', '', '__return_null', PAGE);
    foreach (labels() as $name => $label) {
        $id = 'ringpool-' . $name;
        $arguments = array('name' => $name, 'help' => $label[1], 'label_for' => $id);
        add_settings_field($id, $label[0], 'Ringpool\\show_field', PAGE, 'ringpool', $arguments);
    }
}

/** The page itself. */
function show_settings_page(): void
{
    if (!current_user_can(CAPABILITY)) {
        wp_die(esc_html__('You may not change these settings.', 'ringpool'), '', 403);
    }
    $set = settings();
    echo '<div class="wrap"><h1>', esc_html__('Ringpool', 'ringpool'), '</h1>';
    if ('' === script_address($set)) {
        $text = __('Enter service and account: until then, pages stay as they are.', 'ringpool');
        echo '<div class="notice notice-warning"><p>', esc_html($text), '</p></div>';
    }
    echo '<form action="', esc_url(admin_url('options.php')), '" method="post">';
    settings_fields(PAGE);
    do_settings_sections(PAGE);
    submit_button();
    echo '</form></div>';
}

/**
 * One field of the form.
 *
 * @param array $arguments Its name and help text, as register_settings() gave them.
 */
function show_field(array $arguments): void
{
    $name = $arguments['name'];
    $value = settings()[$name];
    $id = esc_attr('ringpool-' . $name);
    $field = esc_attr(OPTION . '[' . $name . ']');
    if (in_array($name, SWITCHES, true)) {
        $checked = '' === $value ? '' : ' checked';
        echo '<input type="checkbox" value="1" id="', $id, '" name="', $field, '"', $checked, '>';
    } elseif (isset(CHOICES[$name])) {
        echo '<select id="', $id, '" name="', $field, '">';
        foreach (CHOICES[$name] as $choice) {
            $selected = $choice === $value ? ' selected' : '';
            echo '<option value="', esc_attr($choice), '"', $selected, '>';
            echo esc_html('' === $choice ? '—' : $choice), '</option>';
        }
        echo '</select>';
    } else {
        echo '<input type="text" class="regular-text" id="', $id, '" name="', $field, '"';
        echo ' value="', esc_attr($value), '">';
    }
    echo '<p class="description">', esc_html($arguments['help']), '</p>';
}

/**
 * Hooked to `plugin_action_links_…`: a link to the page in the list of plugins.
 *
 * @param array $links The links that are there.
 */
function with_link_to_settings(array $links): array
{
    $address = esc_url(admin_url('options-general.php?page=' . PAGE));
    array_unshift($links, '<a href="' . $address . '">' . esc_html__('Settings') . '</a>');
    return $links;
}
